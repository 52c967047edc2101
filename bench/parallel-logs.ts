import { measure } from "./kit/claim.ts";
import { interleave, median, medianRatio, spread } from "./kit/rounds.ts";
import { makeProject, type Project, scratch } from "./kit/scratch.ts";
import { seal } from "./kit/sealing.ts";

const LOGS = [1, 2, 4, 8];
const ENTRIES = 24_000;
const IN_FLIGHT = 512;
const ROUNDS = 4;

await measure(
  {
    name: "parallel-logs",
    says: `entries sealed in ${LOGS.at(-1)} logs at once, against the same entries in one log (${IN_FLIGHT} writers together)`,
    unit: "per second",
    target: 1,
    bound: "min",
  },
  async () => {
    await using place = await scratch();
    const projects: Project[] = [place.project];
    while (projects.length < LOGS.at(-1)!)
      projects.push(await makeProject(place.system, `p${projects.length}`));
    const sides = LOGS.map(
      (logs) => () =>
        seal(place, projects.slice(0, logs), { entries: ENTRIES, inFlight: IN_FLIGHT }),
    );
    await interleave(1, sides);
    const found = await interleave(ROUNDS, sides);
    const [one, most] = [found[0]!, found.at(-1)!];
    return {
      ours: median(most),
      theirs: median(one),
      figure: medianRatio(most, one),
      notes: LOGS.map((logs, i) => spread(`${logs} logs`, found[i]!)),
      figures: Object.fromEntries(LOGS.map((logs, i) => [`${logs} logs`, median(found[i]!)])),
    };
  },
);
