-- sealbase: loses-data authz.row_policies
delete from ops.schedules where topic = 'authz.row-policies';
drop table authz.row_policies;
