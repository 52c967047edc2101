-- sealbase: loses-data control_plane.organizations, control_plane.projects, control_plane.service_accounts, control_plane.api_keys
drop function control_plane.raise_revision(uuid);
drop function control_plane.find_api_key(text);
drop table control_plane.api_keys;
drop table control_plane.service_accounts;
drop table control_plane.projects;
drop table control_plane.organizations;
