-- Readers keep the old numbers while the new ones are counted. A job calls it; nobody else may read all projects.
create or replace function telemetry.refresh_daily() returns void
  language plpgsql volatile security definer set search_path = '' as $$
begin
  refresh materialized view concurrently telemetry.decisions_daily_all;
  refresh materialized view concurrently telemetry.scores_daily_all;
end
$$;
revoke execute on function telemetry.refresh_daily() from public;
grant execute on function telemetry.refresh_daily() to sealbase_writer;
