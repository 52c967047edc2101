import { query, type Tx } from "#kernel/db.ts";

/** A unit quaternion of a subject that is not a single decision, and what it was held against. */
export interface Point {
  /** Of the subject; a UUID. */
  readonly id: string;
  readonly at: Coordinates;
  /** The point that the distance is from; its signature gets this id. */
  readonly reference: {
    readonly id: string;
    readonly at: Coordinates;
    readonly distance_rad: number;
  } | null;
}

export interface Coordinates {
  readonly w: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

type SubjectType = "drift_window";

/** Adds points, each with its own signature and that of its reference. */
export async function storePoints(
  tx: Tx,
  tenantId: string,
  of: { subjectType: SubjectType; modelVersionId: string; createdAt: string },
  points: readonly Point[],
): Promise<void> {
  const { subjectType, modelVersionId, createdAt } = of;
  const signatures = points.flatMap(({ id, at, reference }) => [
    { id, type: subjectType, subject: id, at },
    ...(reference === null
      ? []
      : [{ id: reference.id, type: `${subjectType}_reference`, subject: id, at: reference.at }]),
  ]);
  await query(
    tx,
    `insert into vedic.quaternion_signatures (tenant_id, id, subject_type, subject_id, model_version_id, w, x, y, z, phase_rad, created_at)
     select $1, r.id, r.type, r.subject, $2, r.w, r.x, r.y, r.z, 0, $3
     from unnest($4::uuid[], $5::text[], $6::text[], $7::float8[], $8::float8[], $9::float8[], $10::float8[])
       as r (id, type, subject, w, x, y, z)`,
    [
      tenantId,
      modelVersionId,
      createdAt,
      signatures.map(({ id }) => id),
      signatures.map(({ type }) => type),
      signatures.map(({ subject }) => subject),
      ...columns(signatures),
    ],
  );
  await query(
    tx,
    `insert into vedic.policy_geometry (tenant_id, subject_type, subject_id, model_version_id, w, x, y, z, reference_signature_id, distance_rad, created_at)
     select $1, $2, r.id, $3, r.w, r.x, r.y, r.z, r.reference, r.distance, $4
     from unnest($5::uuid[], $6::uuid[], $7::float8[], $8::float8[], $9::float8[], $10::float8[], $11::float8[])
       as r (id, reference, distance, w, x, y, z)`,
    [
      tenantId,
      subjectType,
      modelVersionId,
      createdAt,
      points.map(({ id }) => id),
      points.map(({ reference }) => reference?.id ?? null),
      points.map(({ reference }) => reference?.distance_rad ?? null),
      ...columns(points),
    ],
  );
}

const columns = (points: readonly { readonly at: Coordinates }[]): number[][] =>
  (["w", "x", "y", "z"] as const).map((name) => points.map(({ at }) => at[name]));

/** Points of these subjects, by their ids. */
export async function readPoints(
  tx: Tx,
  subjectType: SubjectType,
  ids: readonly string[],
): Promise<ReadonlyMap<string, Coordinates & { readonly distance_rad: number | null }>> {
  const rows = await query<Coordinates & { id: string; distance_rad: number | null }>(
    tx,
    `select g.subject_id as id, g.w, g.x, g.y, g.z, g.distance_rad from vedic.policy_geometry g
     where g.tenant_id = (select ops.tenant()) and g.subject_type = $1 and g.subject_id = any($2::uuid[])`,
    [subjectType, ids],
  );
  return new Map(rows.map(({ id, ...point }) => [id, point]));
}
