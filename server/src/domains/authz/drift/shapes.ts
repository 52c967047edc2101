import { z } from "zod";
import type { readPoints } from "#domains/risk";
import { parseJson } from "#verifier";
import type { StoredFinding, StoredWindow } from "./queries.ts";

const count = z.int();
const day = z.iso.date().describe("UTC");
const time = z.iso.datetime();

/** A window as every face shows it. */
export const driftWindow = z
  .object({
    id: z.uuid(),
    day,
    revision: count.describe("Above 1 when decisions came late"),
    decisions: count,
    allowed: count,
    denied: count,
    errors: count.describe("Decisions with a policy that could not be evaluated"),
    first_allowed: count.describe(
      "Principals, actions and resource types allowed together for the first time",
    ),
    first_denied: count,
    cells_left_out: count.describe(
      "Kinds of calls beyond those that are kept; they are not watched",
    ),
    findings_left_out: count.describe("Beyond the first hundred of a kind"),
    stats_hash: z.string().describe("SHA-256 over all that was counted, hex"),
    mix: z
      .object({ w: z.number(), x: z.number(), y: z.number(), z: z.number() })
      .nullable()
      .describe(
        "Unit quaternion: square roots of the shares of allowed, allowed for the first time, denied, denied with an error",
      ),
    distance_rad: z
      .number()
      .nullable()
      .describe("Geodesic distance to the windows before, taken together"),
    created_at: time,
  })
  .meta({ id: "DriftWindow" });

type Points = Awaited<ReturnType<typeof readPoints>>;

export function windowShown(row: StoredWindow, points: Points): z.input<typeof driftWindow> {
  const point = points.get(row.id);
  return {
    id: row.id,
    day: row.day,
    revision: row.revision,
    decisions: row.decisions,
    allowed: row.allowed,
    denied: row.denied,
    errors: row.errors,
    first_allowed: row.firstAllowed,
    first_denied: row.firstDenied,
    cells_left_out: row.cellsLeftOut,
    findings_left_out: row.findingsLeftOut,
    stats_hash: row.hash,
    mix: point === undefined ? null : { w: point.w, x: point.x, y: point.y, z: point.z },
    distance_rad: point?.distance_rad ?? null,
    created_at: row.createdAt.toISOString(),
  };
}

/** A finding as every face shows it. */
export const driftFinding = z
  .object({
    id: z.uuid(),
    window_id: z.uuid(),
    day,
    kind: z.enum([
      "rate_changed",
      "first_allowed",
      "first_denied",
      "mix_moved",
      "cells_left_out",
      "meaning_changed",
    ]),
    set: z.string().nullable().describe("Of policies whose versions decide otherwise"),
    cohort: z
      .string()
      .nullable()
      .describe("The principals' type with their groups; null when it is about the whole window"),
    action: z.string().nullable(),
    resource_type: z.string().nullable(),
    since: day.nullable().describe("First day of what is unlike before"),
    facts: z.record(z.string(), z.json()).describe("What was measured"),
    created_at: time,
  })
  .meta({ id: "DriftFinding" });

export function findingShown(row: StoredFinding): z.input<typeof driftFinding> {
  const { facts, created_at, ...same } = row;
  return {
    ...same,
    facts: parseJson(facts) as z.input<typeof driftFinding>["facts"],
    created_at: created_at.toISOString(),
  };
}
