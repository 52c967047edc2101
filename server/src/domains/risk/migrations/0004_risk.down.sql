-- sealbase: loses-data vedic.transactions, vedic.transaction_features, vedic.fraud_scores
drop table vedic.fraud_scores;
drop table vedic.transaction_features;
drop table vedic.transactions;
drop table vedic.model_versions;
