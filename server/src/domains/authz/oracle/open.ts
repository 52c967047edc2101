import type { Parts } from "#pipeline";
import { cedar } from "../cedar/policies.ts";
import { quarantine } from "./quarantine.ts";
import { Sampler } from "./sampler.ts";

/**
 * The sampler with Cedar's engine behind it, the one that policies are read with.
 * @param share of the recorded decisions, 0 to 1
 * @param writers the parts that write what it finds, once they are joined
 */
export const openSampler = (
  share: number,
  { metrics, log }: Pick<Parts, "metrics" | "log">,
  writers: () => Parts,
): Sampler =>
  new Sampler({
    share,
    metrics,
    log,
    ask: (call) => cedar.call("isAuthorized", call),
    alarm: (alarm) => quarantine(writers(), alarm),
  });
