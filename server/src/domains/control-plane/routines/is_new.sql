-- Whether nobody has made an organization here yet: what a first start asks before it makes one.
create or replace function control_plane.is_new() returns boolean
  language sql stable security definer set search_path = ''
  return not exists (select from control_plane.organizations);

revoke execute on function control_plane.is_new() from public;
grant execute on function control_plane.is_new() to sealbase_reader;
comment on function control_plane.is_new() is 'Whether there is no organization yet.';
