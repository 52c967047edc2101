-- Sign-in comes before the project is known, so it asks as the owner, for one identity, and gets one row.
create or replace function control_plane.find_identity(identity_issuer text, identity_subject text)
  returns table (identity_id uuid, user_id uuid, display_name text, status text)
  language sql stable security definer set search_path = ''
  begin atomic
    select i.id, u.id, u.display_name, u.status
    from control_plane.identities i
    join control_plane.users u on u.id = i.user_id
    where i.issuer = identity_issuer and i.subject = identity_subject;
  end;
revoke execute on function control_plane.find_identity(text, text) from public;
grant execute on function control_plane.find_identity(text, text) to sealbase_reader;
