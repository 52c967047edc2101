-- sealbase: loses-data authz.policy_proposals
drop table authz.policy_proposals;
