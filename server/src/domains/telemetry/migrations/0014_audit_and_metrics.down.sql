-- sealbase: loses-data telemetry.audit_events, telemetry.metrics
drop view telemetry.scores_daily;
drop materialized view telemetry.scores_daily_all;
drop view telemetry.decisions_daily;
drop materialized view telemetry.decisions_daily_all;
drop table telemetry.metrics;
drop table telemetry.audit_events;
