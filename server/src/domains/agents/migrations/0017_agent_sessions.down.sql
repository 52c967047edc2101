-- sealbase: loses-data control_plane.agent_sessions, control_plane.approvals
drop table control_plane.approvals;
drop table control_plane.agent_sessions;
