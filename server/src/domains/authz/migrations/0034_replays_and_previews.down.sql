-- sealbase: loses-data authz.replay_disagreements, authz.policy_previews
drop table authz.policy_previews;
drop table authz.replay_disagreements;
