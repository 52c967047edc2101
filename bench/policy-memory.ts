import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { PolicySet } from "../server/src/domains/authz/engine/index.ts";
import { measure } from "./kit/claim.ts";
import { teamPolicies } from "./kit/policies.ts";

const SIZES = [10, 100, 1_000];
const SETS = 50;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const heap = (): number => {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
};

await measure(
  {
    name: "policy-memory",
    says: "heap of a loaded set of policies, against the bytes of its JSON (100 policies; own target)",
    unit: "bytes",
    target: 10,
    bound: "max",
  },
  async () => {
    const found = SIZES.map((size) => {
      const text = JSON.stringify(teamPolicies(size));
      const load = () => new PolicySet(JSON.parse(text));
      const warm = load();
      const before = heap();
      const sets = Array.from({ length: SETS }, load);
      const each = (heap() - before) / SETS;
      if (sets.length !== SETS || warm.policies.length !== size)
        throw new Error("nothing was loaded");
      return { size, each, json: Buffer.byteLength(text) };
    });
    const middle = found.find(({ size }) => size === 100)!;
    return {
      ours: middle.each,
      theirs: middle.json,
      figure: middle.each / middle.json,
      notes: found.map(
        ({ size, each, json }) =>
          `${size} policies: ${Math.round(each)} bytes of heap, ${json} of JSON`,
      ),
      figures: Object.fromEntries(
        found.map(({ size, each }) => [`${size} policies`, Math.round(each)]),
      ),
    };
  },
);
