-- sealbase: loses-data ledger.erasures, ledger.archives, ledger.archived
reset role;
drop function ledger.restore(uuid);
drop function ledger.archive(bigint, uuid, bytea, bytea);
drop function ledger.erase(uuid, uuid);
set local role sealbase_migrator;
revoke select, update (request_hash, status, answer) on ops.idempotency_keys from sealbase_retention;
revoke update (payload) on ops.outbox from sealbase_retention;
revoke select, update (input, input_hash, expires_at) on control_plane.approvals from sealbase_retention;
drop table ledger.archived;
drop table ledger.archives;
drop table ledger.erasures;
