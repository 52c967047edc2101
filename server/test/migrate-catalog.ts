import type pg from "pg";

/** Everything that a migration can make, one line each, in one order: equal databases give equal lists. */
export async function catalogOf(client: pg.Client): Promise<string[]> {
  // Without a search path every name is printed with its schema.
  await client.query("set search_path = ''");
  const { rows } = await client.query<{ line: string }>(
    `select line from (${PARTS.join(" union all ")}) parts order by line collate "C"`,
  );
  await client.query("reset search_path");
  return rows.map(({ line }) => line);
}

/** Rights in one order, and those that nobody changed written out. */
const rights = (acl: string, kind: string, owner: string) =>
  `(select coalesce(string_agg(a::text, ' ' order by a::text collate "C"), '') from unnest(coalesce(${acl}, acldefault('${kind}', ${owner}))) a)`;
const ours = "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'";
const relation = "join pg_class c on c.oid = x.oid join pg_namespace n on n.oid = c.relnamespace";

const PARTS = [
  `select format('database %s', ${rights("datacl", "d", "datdba")}) as line
     from pg_database where datname = current_database()`,
  `select format('schema %s owner %s %s comment %s', nspname, nspowner::regrole, ${rights("nspacl", "n", "nspowner")},
                 obj_description(n.oid, 'pg_namespace'))
     from pg_namespace n where ${ours}`,
  `select format('relation %s kind %s owner %s rls %s %s options %s partition %s %s rights %s comment %s', c.oid::regclass, relkind,
                 relowner::regrole, relrowsecurity, relforcerowsecurity, reloptions,
                 pg_get_partkeydef(c.oid), pg_get_expr(relpartbound, c.oid), ${rights("relacl", "r", "relowner")},
                 obj_description(c.oid, 'pg_class'))
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${ours} and relkind in ('r', 'p', 'v', 'm', 'S')`,
  `select format('column %s #%s %s %s null %s default %s identity %s generated %s rights %s comment %s', c.oid::regclass,
                 row_number() over (partition by c.oid order by attnum), attname, format_type(atttypid, atttypmod),
                 not attnotnull, pg_get_expr(adbin, adrelid), attidentity, attgenerated,
                 (select string_agg(a::text, ' ' order by a::text collate "C") from unnest(attacl) a),
                 col_description(c.oid, attnum))
     from pg_attribute a join pg_class c on c.oid = attrelid join pg_namespace n on n.oid = relnamespace
     left join pg_attrdef on adrelid = c.oid and adnum = attnum
    where ${ours} and relkind in ('r', 'p', 'v', 'm') and attnum > 0 and not attisdropped`,
  `select format('constraint %s on %s %s', conname, conrelid::regclass, pg_get_constraintdef(x.oid))
     from pg_constraint x join pg_namespace n on n.oid = connamespace where ${ours}`,
  `select format('index %s comment %s', pg_get_indexdef(x.indexrelid), obj_description(x.indexrelid, 'pg_class'))
     from (select indexrelid as oid, * from pg_index) x ${relation} where ${ours}`,
  `select format('policy %s on %s.%s %s %s %s using %s check %s', policyname, schemaname, tablename, permissive, roles, cmd, qual, with_check)
     from pg_policies`,
  `select format('trigger %s enabled %s', pg_get_triggerdef(t.oid), tgenabled) from pg_trigger t
     join pg_class c on c.oid = tgrelid join pg_namespace n on n.oid = relnamespace where ${ours} and not tgisinternal`,
  `select format('routine %s owner %s rights %s comment %s', pg_get_functiondef(p.oid), proowner::regrole,
                 ${rights("proacl", "f", "proowner")}, obj_description(p.oid, 'pg_proc'))
     from pg_proc p join pg_namespace n on n.oid = pronamespace where ${ours} and prokind <> 'a'`,
  `select format('view %s %s', c.oid::regclass, pg_get_viewdef(c.oid))
     from pg_class c join pg_namespace n on n.oid = relnamespace where ${ours} and relkind in ('v', 'm')`,
  `select format('type %s %s', t.oid::regtype, typtype) from pg_type t join pg_namespace n on n.oid = typnamespace
    where ${ours} and typtype in ('e', 'd', 'r')`,
  `select format('default rights %s %s %s %s', defaclrole::regrole, defaclnamespace, defaclobjtype, defaclacl) from pg_default_acl`,
  `select format('extension %s %s', extname, extversion) from pg_extension`,
];
