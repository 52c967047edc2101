import { againstBare, CALLERS } from "./kit/against-bare.ts";
import { measure } from "./kit/claim.ts";

await measure(
  {
    name: "rest-read",
    says:
      `reads of a project over REST, against a bare Fastify route that selects the same row (${CALLERS} callers): same role and ` +
      "transaction; no key, no policy, and no record of the read's decision, which ours writes within a second",
    unit: "per second",
    target: 0.6,
    bound: "min",
  },
  () => againstBare("read"),
);
