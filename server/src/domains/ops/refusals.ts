import { Refusal } from "#kernel/refusal.ts";

export const jobMissing = (id: string) =>
  new Refusal(
    "action/job_missing",
    404,
    "This project has no job of this id",
    { id },
    "List the project's jobs: GET /v1/jobs.",
  );

export const jobNotFinished = (id: string, status: string) =>
  new Refusal(
    "action/job_not_failed",
    409,
    "Only a job that was given up or cancelled is tried again",
    { id, status },
    "Wait for it, or ask for new work.",
  );

export const jobFinished = (id: string, status: string) =>
  new Refusal(
    "action/job_finished",
    409,
    "The job has finished",
    { id, status },
    "There is nothing left to cancel.",
  );

export const keptTooShort = (table: string, keep_days: number, min_days: number) =>
  new Refusal(
    "action/kept_too_short",
    400,
    "Later rows of this table are compared with those of more days than these",
    { table, keep_days, min_days },
    "Keep them for min_days or longer.",
  );

export const scheduleMissing = (topic: string) =>
  new Refusal(
    "action/schedule_missing",
    404,
    "This project has no schedule of this topic",
    { topic },
    "List them: GET /v1/schedules.",
  );

export const messageConflict = (source: string, id: string) =>
  new Refusal(
    "action/message_conflict",
    409,
    "A message of this source and id was taken in with another content",
    { source, message_id: id },
    "Give a changed message an id of its own.",
  );
