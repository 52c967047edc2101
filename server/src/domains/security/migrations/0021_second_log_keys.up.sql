-- A log may have a second key beside its Ed25519 key: ML-DSA-44 (FIPS 204).
alter table security.signing_keys
  drop constraint signing_keys_purpose_check,
  add constraint signing_keys_purpose_check check (purpose in ('log', 'log-second', 'token')),
  drop constraint signing_keys_algorithm_check,
  add constraint signing_keys_algorithm_check check (algorithm in ('ed25519', 'ml-dsa-44'));
alter table security.signing_key_versions
  drop constraint signing_key_versions_public_key_check,
  add constraint signing_key_versions_public_key_check check (length(public_key) in (32, 1312));
