drop table authz.policy_rule_templates;
