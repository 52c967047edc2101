-- sealbase: loses-data security.signing_key_versions
delete from security.signing_key_versions where length(public_key) <> 32;
delete from security.signing_keys where purpose = 'log-second' or algorithm <> 'ed25519';
alter table security.signing_keys
  drop constraint signing_keys_purpose_check,
  add constraint signing_keys_purpose_check check (purpose in ('log', 'token')),
  drop constraint signing_keys_algorithm_check,
  add constraint signing_keys_algorithm_check check (algorithm in ('ed25519'));
alter table security.signing_key_versions
  drop constraint signing_key_versions_public_key_check,
  add constraint signing_key_versions_public_key_check check (length(public_key) = 32);
