-- sealbase: loses-data ops.schedules
reset role;
drop function ops.retain(int);
set local role sealbase_migrator;
drop table ops.schedules;
drop index ops.outbox_ordered;
revoke update (attempts_max) on ops.outbox from sealbase_writer;
alter table ops.outbox
  drop constraint outbox_finished_check,
  drop constraint outbox_status_check,
  add constraint outbox_status_check check (status in ('waiting', 'running', 'done', 'given_up')),
  drop column ordering_key,
  drop column progress,
  drop column result,
  drop column error,
  drop column cancel_requested,
  drop column created_by,
  drop column finished_at;
