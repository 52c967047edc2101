-- sealbase: loses-data control_plane.users, control_plane.identities, control_plane.organization_memberships, control_plane.memberships
-- sealbase: loses-data control_plane.apps, control_plane.app_installations, control_plane.resources, control_plane.resource_links
-- sealbase: loses-data control_plane.role_bindings, control_plane.grants, control_plane.consents, control_plane.automation_flows
drop view control_plane.api_credentials;
drop view control_plane.workspaces;
drop view control_plane.tenants;
drop table control_plane.automation_flows;
drop table control_plane.consents;
drop table control_plane.grants;
drop table control_plane.role_bindings;
drop table control_plane.resource_links;
drop table control_plane.resources;
drop table control_plane.app_installations;
drop table control_plane.apps;
drop policy member on control_plane.identities;
drop policy member on control_plane.users;
drop table control_plane.memberships;
drop table control_plane.organization_memberships;
drop table control_plane.identities;
drop table control_plane.users;
