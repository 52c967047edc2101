import { makeCredential } from "#kernel/credential.ts";
import { type Db, query, type Tx } from "#kernel/db.ts";
import { newId } from "#kernel/ids.ts";
import type { ProjectCreated } from "#pipeline";
import { insertKey, insertOrganization, insertProject, insertServiceAccount } from "./queries.ts";
import { slugTaken } from "./refusals.ts";
import { SCORE_MAX } from "./shapes.ts";

export interface NewProject {
  readonly id: string;
  readonly serviceAccountId: string;
  readonly apiKeyId: string;
  /** Of its administrator; shown once. */
  readonly key: string;
}

/**
 * What the first key of a project says of its user. It is made by whoever may make projects, or sets up the installation and so
 * could write anything into its database: the weaker keys come from it.
 */
const STRONGEST = { method: "passkey", tier: "T4", stepUpUntil: "9999-12-31T23:59:59Z" } as const;

/** A project with all that it needs to be used: an administrator with a key, policies, a log. */
export async function createProject(
  tx: Tx,
  projectCreated: ProjectCreated,
  project: {
    organizationId: string;
    name: string;
    slug: string;
    scoreMax: number;
    createdBy: string;
  },
): Promise<NewProject> {
  const id = newId();
  if (!(await insertProject(tx, { id, ...project }))) throw slugTaken(project.slug);
  return within(tx, id, async () => {
    const serviceAccountId = newId();
    await insertServiceAccount(tx, id, {
      id: serviceAccountId,
      name: "administrator",
      groups: ["admins"],
    });
    const { key, prefix, hash } = makeCredential("sk");
    const apiKeyId = newId();
    await insertKey(tx, id, {
      id: apiKeyId,
      serviceAccountId,
      name: "first key",
      prefix,
      hash,
      createdBy: project.createdBy,
      expiresAt: null,
      auth: STRONGEST,
    });
    await projectCreated(tx, { id, createdBy: project.createdBy });
    return { id, serviceAccountId, apiKeyId, key };
  });
}

/** An organization with its first project, made by whoever starts an installation. */
export async function createOrganization(
  db: Db,
  projectCreated: ProjectCreated,
  name: string,
  projectName: string,
): Promise<{ projectId: string; key: string }> {
  const id = newId();
  const scope = { role: "writer", tenantId: null, organizationId: id } as const;
  const made = await db.transaction(scope, async (tx) => {
    await insertOrganization(tx, { id, name, slug: slugOf(name) });
    return createProject(tx, projectCreated, {
      organizationId: id,
      name: projectName,
      slug: slugOf(projectName),
      scoreMax: SCORE_MAX,
      createdBy: "Sealbase:start",
    });
  });
  return { projectId: made.id, key: made.key };
}

const slugOf = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, "-");

/** Runs work in the scope of another project of the same transaction, then returns to where it was. */
async function within<T>(tx: Tx, tenantId: string, work: () => Promise<T>): Promise<T> {
  const [{ before } = { before: "" }] = await query<{ before: string }>(
    tx,
    "select current_setting('app.tenant_id', true) as before, set_config('app.tenant_id', $1, true)",
    [tenantId],
  );
  const result = await work();
  await query(tx, "select set_config('app.tenant_id', $1, true)", [before]);
  return result;
}
