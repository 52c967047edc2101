-- sealbase: loses-data vedic.quaternion_signatures, vedic.policy_geometry, vedic.collatz_runs, vedic.collatz_trace_points
-- sealbase: loses-data vedic.lattice_snapshots
drop table vedic.lattice_snapshots;
drop table vedic.collatz_trace_points;
drop table vedic.collatz_runs;
drop table vedic.policy_geometry;
drop table vedic.quaternion_signatures;
