import { againstBare, CALLERS } from "./kit/against-bare.ts";
import { measure } from "./kit/claim.ts";

await measure(
  {
    name: "rest-write",
    says:
      `durable payments over REST, against a bare Fastify route that inserts the same rows (${CALLERS} callers): a transaction ` +
      "a request where ours share commits; no key, policy, score or seal; its rows wait for no sequencer",
    unit: "per second",
    target: 0.6,
    bound: "min",
  },
  () => againstBare("write"),
);
