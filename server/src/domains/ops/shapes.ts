import { z } from "zod";
import { parseJson } from "#verifier";
import type { RetentionPolicy, Schedule, StoredJob } from "./queries.ts";

const time = z.iso.datetime();

/** A job as every face shows it. What it is about stays with whoever asked for it. */
export const job = z
  .object({
    id: z.uuid(),
    topic: z.string(),
    status: z.enum(["waiting", "running", "done", "given_up", "cancelled"]),
    progress: z.number().describe("From 0 to 1"),
    attempts: z.int(),
    attempts_max: z.int(),
    error: z.string().nullable().describe("Of the last attempt that failed"),
    result: z.json(),
    created_by: z.string(),
    created_at: time,
    due_at: time.describe("When it is tried next, or was last"),
    finished_at: time.nullable(),
  })
  .meta({ id: "Job" });

export const jobShown = (row: StoredJob): z.input<typeof job> => ({
  id: row.id,
  topic: row.topic,
  status: row.status,
  progress: row.progress,
  attempts: row.attempts,
  attempts_max: row.attemptsMax,
  error: row.error,
  result: row.result === null ? null : parseJson(row.result),
  created_by: row.createdBy,
  created_at: row.createdAt.toISOString(),
  due_at: row.dueAt.toISOString(),
  finished_at: row.finishedAt?.toISOString() ?? null,
});

export const schedule = z
  .object({
    topic: z.string(),
    every_s: z.int().describe("Seconds from one job to the next"),
    enabled: z.boolean(),
    next_at: time,
    last_job_id: z.uuid().nullable(),
  })
  .meta({ id: "Schedule" });

export const scheduleShown = (row: Schedule): z.input<typeof schedule> => ({
  topic: row.topic,
  every_s: row.everyS,
  enabled: row.enabled,
  next_at: row.nextAt.toISOString(),
  last_job_id: row.lastJobId,
});

export const retentionPolicy = z
  .object({
    id: z.uuid(),
    table: z.string(),
    keep_days: z.int(),
    created_by: z.string(),
    updated_at: time,
  })
  .meta({ id: "RetentionPolicy" });

export const retentionPolicyShown = (row: RetentionPolicy): z.input<typeof retentionPolicy> => ({
  id: row.id,
  table: row.tableName,
  keep_days: row.keepDays,
  created_by: row.createdBy,
  updated_at: row.updatedAt.toISOString(),
});
