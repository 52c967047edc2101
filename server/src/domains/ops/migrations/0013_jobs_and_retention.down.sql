-- sealbase: loses-data ops.outbox, ops.outbox_attempts, ops.inbox, ops.replay_checkpoints, ops.retention_policies, ops.retention_runs
drop table ops.retention_runs;
drop table ops.retention_policies;
drop table ops.replay_checkpoints;
drop table ops.inbox;
drop table ops.outbox_attempts;
drop table ops.outbox;
