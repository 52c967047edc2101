import type { Answer, Caller, TestSystem } from "./system.ts";

/** Activates what nobody previewed, and whatever follows. */
const UNSEEN = { without_preview: "a test", without_way_back: "a test" };

/** Stores policies in Cedar's JSON form, validates and activates them; gives the first answer that refuses, else the last. */
export async function activatePolicies(
  caller: Pick<Caller, "call">,
  document: object,
  set = "default",
): Promise<Answer> {
  const ready = await validatedPolicies(caller, document, set);
  if (ready.status >= 300) return ready;
  const { number } = ready.body.version;
  return caller.call("POST", `/v1/policies/${set}/versions/${number}/activate`, UNSEEN);
}

/** The same, up to where a version may be activated. */
export async function validatedPolicies(
  caller: Pick<Caller, "call">,
  document: object,
  set = "default",
): Promise<Answer> {
  const made = await caller.call("POST", `/v1/policies/${set}/versions`, { document });
  if (made.status >= 300) return made;
  const validated = await caller.call(
    "POST",
    `/v1/policies/${set}/versions/${made.body.number}/validate`,
    {},
  );
  if (validated.body.valid === false) throw new Error(JSON.stringify(validated.body.diagnostics));
  return validated;
}

/** A project's own things, beside the platform's. */
export const DOCS = {
  schema: `entity Doc = { owner?: User };
    action "doc.page" in [Action::"read"];
    action "doc.page.read" in [Action::"doc.page"] appliesTo {
      principal: [User], resource: [Doc],
      context: { address?: String, hour?: Long, vpn?: Bool, tags?: Set<String> },
    };`,
  text: `permit (principal, action in Action::"doc.page", resource)
    when { resource has owner && resource.owner == principal };`,
};

type Post = (path: string, body: object) => Promise<Answer["body"]>;

/** Makes a set in which users may read the docs that they own. */
export const makeDocs = (post: Post): Promise<string> => makeSet(post, { name: "docs", ...DOCS });

/** Makes a set of policies and lets it decide; gives its name. */
export async function makeSet(
  post: Post,
  { name, ...written }: { name: string; schema: string; text: string },
): Promise<string> {
  const path = `/v1/policies/${name}/versions`;
  const { number } = await post(path, written);
  const { valid, diagnostics } = await post(`${path}/${number}/validate`, {});
  if (valid !== true) throw new Error(JSON.stringify(diagnostics));
  await post(`${path}/${number}/activate`, UNSEEN);
  return name;
}

/** A proposal of least privilege, as its job would leave it; gives its id. */
export async function leaveProposal({ sql }: TestSystem, tenantId: string): Promise<string> {
  const [row] = await sql<{ id: string }>(
    `insert into authz.policy_proposals (tenant_id, id, policy_version_id, since, until, document, evidence, verdict, replayed,
       newly_denied, created_by, created_at)
     select tenant_id, gen_random_uuid(), id, now() - interval '1 day', now(), document, '[]', 'proven', 1, 0, 'ServiceAccount:a', now()
     from authz.policy_versions where tenant_id = $1 and status = 'active' order by created_at limit 1 returning id`,
    [tenantId],
  );
  return row!.id;
}
