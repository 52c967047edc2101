import { openBare } from "./bare.ts";
import { isFull, type Measured } from "./claim.ts";
import { startLoad } from "./load.ts";
import { type Kind, restRequests } from "./requests.ts";
import { expectCount, interleave, median, medianRatio, type Side, spread } from "./rounds.ts";
import { count, listen, makeProject, scratch } from "./scratch.ts";
import { settle } from "./settle.ts";

export const CALLERS = 64;
const ROUNDS = isFull ? 11 : 5;
const ROUND_MS = isFull ? 3_000 : 500;

/** Calls a second over REST, against a bare route that does the same transaction in the same process. */
export async function againstBare(kind: Kind): Promise<Measured> {
  await using place = await scratch();
  const { system, project, admin } = place;
  const bareProject = await makeProject(system, "bare");
  const ours = await listen(system);
  const bare = await openBare(place, bareProject);
  let written = 1; // the call that the bare route repeats
  let busiest = 0;
  const sideOf = async (port: number, request: object) => {
    const load = await startLoad("requests", { port, callers: CALLERS, requests: { "": request } });
    const side: Side = async () => {
      const { done, elapsed_ms, busy } = await load.run(ROUND_MS);
      if (kind === "write") written += done;
      busiest = Math.max(busiest, busy);
      await settle(place);
      return (done * 1_000) / elapsed_ms;
    };
    return { side, load };
  };
  const sides = [
    await sideOf(ours.port, restRequests(project)[kind]),
    await sideOf(bare.port, restRequests(bareProject, "/bare")[kind]),
    await sideOf(bare.port, restRequests(bareProject, "/best")[kind]),
  ];
  const turns = sides.map(({ side }) => side);
  await interleave(1, turns);
  const figures = (await interleave(ROUNDS, turns)) as [number[], number[], number[]];
  const [fast, plain, best] = figures;
  for (const { load } of sides) await load[Symbol.asyncDispose]();
  await ours.app.close();
  await bare.app.close();
  expectCount(
    "transactions",
    await count(admin, "vedic.transactions"),
    kind === "write" ? written : 1,
  );
  return {
    ours: median(fast),
    theirs: median(plain),
    figure: medianRatio(fast, plain),
    notes: [
      spread("ours", fast),
      spread("theirs", plain),
      `against a bare route with a prepared statement and the transaction in one round trip (${Math.round(median(best))}): ` +
        `ratio ${medianRatio(fast, best).toFixed(2)}`,
      `busiest load process: ${busiest.toFixed(2)} of a core`,
    ],
    figures: { "against bare at its best": medianRatio(fast, best) },
  };
}
