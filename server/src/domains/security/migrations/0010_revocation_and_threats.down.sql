-- sealbase: loses-data security.revoked_tokens, security.revoked_sessions, security.nonce_watermarks
-- sealbase: loses-data security.threat_level_history, security.anomaly_reports
drop table security.anomaly_reports;
drop table security.threat_level_history;
drop table security.nonce_watermarks;
drop table security.revoked_sessions;
drop table security.revoked_tokens;
drop function security.raise_watermark_only();
drop function security.keep_revocation();
