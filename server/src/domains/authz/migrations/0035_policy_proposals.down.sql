drop table authz.policy_proposals;
