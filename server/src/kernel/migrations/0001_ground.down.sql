drop schema control_plane, authz, security, ledger, telemetry, vedic, entities;

drop function ops.make_partitions();
drop function ops.partition_monthly(regclass, int);
drop function ops.make_partition(regclass, text, uuid, uuid);
drop function ops.uuid_floor(timestamptz);
drop function ops.grant_write(regclass);
drop function ops.grant_append(regclass);
drop function ops.grant_read(regclass);
drop function ops.touch_updated_at(regclass);
drop function ops.set_updated_at();
drop function ops.append_only(regclass);
drop function ops.guard_truncate(regclass, regclass);
drop function ops.refuse_change();
drop function ops.protect_tenant(regclass);
drop function ops.try_uuid(text);
drop function ops.organization();
drop function ops.tenant();

reset role;
-- The migration record lives on in ops, so the schema stays and goes back to whoever runs this.
do $$
begin
  execute format('alter schema ops owner to %I', session_user);
  execute format('revoke create on database %I from sealbase_migrator', current_database());
end
$$;
revoke usage on schema ops from sealbase_writer, sealbase_reader, sealbase_analyst, sealbase_auditor, sealbase_retention;

-- Roles belong to the whole cluster: each goes unless another database still needs it.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['sealbase_server', 'sealbase_retention', 'sealbase_auditor', 'sealbase_analyst',
                                   'sealbase_reader', 'sealbase_writer', 'sealbase_migrator'] loop
    begin
      execute format('drop role %I', role_name);
    exception when dependent_objects_still_exist or object_in_use then
      null;
    end;
  end loop;
end
$$;
