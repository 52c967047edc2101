/** The door of telemetry: links and events of every call, and the chain that they make. */
import { chainReplay } from "./operations/chain-replay.ts";
import { chainWhy } from "./operations/chain-why.ts";

export {
  countErased,
  readEventIds,
  readEvents,
  readSealedCalls,
  type StoredEvent,
} from "./queries.ts";
export { telemetry } from "./rows.ts";

export const operations = [chainWhy, chainReplay];
