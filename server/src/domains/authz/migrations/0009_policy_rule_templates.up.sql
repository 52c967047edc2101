create table authz.policy_rule_templates (
  tier text not null check (tier in ('T1', 'T2', 'T3', 'T4')),
  rule_id text not null check (rule_id ~ '^[a-z][a-z0-9_.]{0,62}$'),
  priority int not null check (priority > 0),
  effect text not null check (effect in ('allow', 'deny')),
  action_patterns text[] not null check (cardinality(action_patterns) > 0),
  resource_pattern text not null default '*',
  required_scopes text[] not null default '{}',
  allowed_methods text[] not null default '{}' check (allowed_methods <@ array['passkey', 'mfa', 'password']),
  required_context text[] not null default '{}' check (required_context <@ array['step_up']),
  reason_code text not null,
  primary key (tier, rule_id),
  unique (tier, priority)
);
comment on table authz.policy_rule_templates is
  'Rules that a new policy set of a tier starts from. The same for every project; evaluated are only the copies in versions.';
comment on column authz.policy_rule_templates.allowed_methods is 'How the principal must have signed in; empty means any way.';
comment on column authz.policy_rule_templates.required_context is 'What must be true of the call beside that.';
select ops.grant_read('authz.policy_rule_templates');

insert into authz.policy_rule_templates
  (tier, rule_id, priority, effect, action_patterns, required_scopes, allowed_methods, required_context, reason_code)
values
  ('T1', 'allow.read',  100, 'allow', '{read:*}',  '{read}',  '{}',                     '{}',        'ALLOW_READ'),
  ('T1', 'allow.write', 110, 'allow', '{write:*}', '{write}', '{}',                     '{}',        'ALLOW_WRITE'),
  ('T1', 'allow.admin', 200, 'allow', '{admin:*}', '{admin}', '{passkey,mfa,password}', '{}',        'ALLOW_ADMIN'),
  ('T2', 'allow.read',  100, 'allow', '{read:*}',  '{read}',  '{}',                     '{}',        'ALLOW_READ'),
  ('T2', 'allow.write', 110, 'allow', '{write:*}', '{write}', '{}',                     '{}',        'ALLOW_WRITE'),
  ('T2', 'allow.admin', 200, 'allow', '{admin:*}', '{admin}', '{passkey,mfa}',          '{}',        'ALLOW_ADMIN'),
  ('T3', 'allow.read',  100, 'allow', '{read:*}',  '{read}',  '{}',                     '{}',        'ALLOW_READ'),
  ('T3', 'allow.write', 110, 'allow', '{write:*}', '{write}', '{}',                     '{}',        'ALLOW_WRITE'),
  ('T3', 'allow.admin', 200, 'allow', '{admin:*}', '{admin}', '{passkey,mfa}',          '{step_up}', 'ALLOW_ADMIN'),
  ('T3', 'allow.txn',   210, 'allow', '{txn:*}',   '{txn}',   '{passkey,mfa}',          '{step_up}', 'ALLOW_TXN'),
  ('T4', 'allow.read',  100, 'allow', '{read:*}',  '{read}',  '{}',                     '{}',        'ALLOW_READ'),
  ('T4', 'allow.write', 110, 'allow', '{write:*}', '{write}', '{}',                     '{}',        'ALLOW_WRITE'),
  ('T4', 'allow.admin', 200, 'allow', '{admin:*}', '{admin}', '{passkey}',              '{step_up}', 'ALLOW_ADMIN'),
  ('T4', 'allow.txn',   210, 'allow', '{txn:*}',   '{txn}',   '{passkey}',              '{step_up}', 'ALLOW_TXN');
