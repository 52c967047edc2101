/** The door of ops: jobs and what makes them come, retention, messages of other systems. */
import { jobCancel } from "./operations/job-cancel.ts";
import { jobGet } from "./operations/job-get.ts";
import { jobList } from "./operations/job-list.ts";
import { jobRetry } from "./operations/job-retry.ts";
import { messageReceive } from "./operations/message-receive.ts";
import { retentionPolicyList } from "./operations/retention-policy-list.ts";
import { retentionPolicySet } from "./operations/retention-policy-set.ts";
import { scheduleList } from "./operations/schedule-list.ts";
import { scheduleUpdate } from "./operations/schedule-update.ts";

export { ERROR_LENGTH_MAX } from "./book.ts";
export { Dispatcher } from "./dispatcher.ts";
export { enqueue, type Handler, JobFailed } from "./jobs.ts";
export {
  type JobState,
  type RETAINED_TABLES,
  readFinishedJobIds,
  readJobStates,
  readRetainedUntil,
} from "./queries.ts";
export { retain } from "./retain.ts";
export { createSchedules } from "./schedules.ts";
export { job, jobShown } from "./shapes.ts";

/** Besides the jobs' own entries, those of this operation seal that a job has ended. */
export const JOB_CANCEL = jobCancel.name;

export const operations = [
  jobList,
  jobGet,
  jobRetry,
  jobCancel,
  scheduleList,
  scheduleUpdate,
  retentionPolicyList,
  retentionPolicySet,
  messageReceive,
];
