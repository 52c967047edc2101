alter table authz.policy_versions
  add column quarantined_at timestamptz,
  add column quarantined_because text check (quarantined_because in ('disagreed', 'trapped')),
  add check ((quarantined_at is null) = (quarantined_because is null));
comment on column authz.policy_versions.quarantined_at is 'Since when it decides nothing any more, and is never activated again: Cedar''s engine did not decide a sample alike.';
comment on column authz.policy_versions.quarantined_because is 'What the sample showed: Cedar''s engine disagreed, or trapped.';
grant update (quarantined_at, quarantined_because) on authz.policy_versions to sealbase_writer;
