-- sealbase: loses-data security.signing_keys, security.signing_key_versions
drop table ops.idempotency_keys;
drop table security.signing_key_versions;
drop table security.signing_keys;
