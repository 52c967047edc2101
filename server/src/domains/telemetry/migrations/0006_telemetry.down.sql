-- sealbase: loses-data telemetry.security_events, telemetry.event_links
drop table telemetry.event_links;
drop table telemetry.security_events;
