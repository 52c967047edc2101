import { openGrpcPort } from "../server/src/faces/grpc/port.ts";
import { type Operation, run } from "../server/src/pipeline/index.ts";
import { isFull, type Measured, measure } from "./kit/claim.ts";
import { closedLoops, startLoad } from "./kit/load.ts";
import { paymentOf } from "./kit/payment.ts";
import {
  connectRequests,
  graphqlRequests,
  grpcRequests,
  KINDS,
  type Kind,
  mcpRequests,
  OPERATIONS,
  restRequests,
} from "./kit/requests.ts";
import { expectCount, interleave, median, medianRatio, type Side } from "./kit/rounds.ts";
import { count, listen, makeAgent, type Scratch, scratch } from "./kit/scratch.ts";
import { settle } from "./kit/settle.ts";

const CALLERS = [1, 64];
const CALLERS_MAX = Math.max(...CALLERS);
const ROUNDS = isFull ? 9 : 3;
const ROUND_MS = isFull ? 2_000 : 300;
const WARM_UP_MS = isFull ? 2_000 : 300;
const IN_PROCESS = "in process";
/** MCP writes come from agent sessions, are counted against their budget, and wait for a signed checkpoint. */
const AS_AGENT = "in process as an agent";
const isBase = (name: string): boolean => name === IN_PROCESS || name === AS_AGENT;

/** Does one kind of call for a while, with so many callers. */
type Way = (kind: Kind, callers: number, duration_ms: number) => Promise<Round>;

interface Round {
  readonly done: number;
  readonly elapsed_ms: number;
  readonly busy?: number;
}

/** One kind of call with so many callers, through every way in turn. */
interface Cell {
  readonly kind: Kind;
  readonly callers: number;
  readonly figures: ReadonlyMap<string, readonly number[]>;
}

await measure(
  {
    name: "faces",
    says: `the slowest face's calls with ${CALLERS_MAX} callers, against the same calls of the pipeline in process`,
    unit: "per second",
    target: 0.5,
    bound: "min",
  },
  async () => {
    await using place = await scratch();
    const { system, project } = place;
    const { app, port } = await listen(system);
    const grpc = await openGrpcPort(system, { host: "127.0.0.1", port: 0 });
    const agent = await makeAgent(place, OPERATIONS.write);
    const http = {
      REST: restRequests(project),
      GraphQL: graphqlRequests(project),
      Connect: connectRequests(project),
      MCP: mcpRequests(project, agent),
    };
    const requests = Object.fromEntries(
      Object.entries(http).flatMap(([face, kinds]) =>
        KINDS.map((kind) => [`${face} ${kind}`, kinds[kind]]),
      ),
    );
    const overHttp = await startLoad("requests", { port, callers: CALLERS_MAX, requests });
    const overGrpc = await startLoad("grpc", {
      url: grpc.url.replace("grpc:", "http:"),
      callers: CALLERS_MAX,
      requests: grpcRequests(project, system),
    });
    const ways = new Map<string, Way>([
      [IN_PROCESS, inProcess(place, project.key, "durable")],
      [AS_AGENT, inProcess(place, agent.key, "published")],
    ]);
    for (const face of Object.keys(http))
      ways.set(face, (kind, callers, ms) => overHttp.run(ms, { work: `${face} ${kind}`, callers }));
    ways.set("gRPC", (kind, callers, ms) => overGrpc.run(ms, { work: kind, callers }));

    let writes = 0;
    let busiest = { name: "", busy: 0 };
    const round = async (name: string, kind: Kind, callers: number, duration_ms: number) => {
      const { done, elapsed_ms, busy = 0 } = await ways.get(name)!(kind, callers, duration_ms);
      if (kind === "write") writes += done;
      if (busy > busiest.busy) busiest = { name: `${name}, ${kind}, ${callers}`, busy };
      await settle(place);
      return (done * 1_000) / elapsed_ms;
    };
    for (const name of ways.keys())
      for (const kind of KINDS) await round(name, kind, CALLERS_MAX, WARM_UP_MS);
    // What is said of MCP's writes is of no use for its reads.
    const namesFor = (kind: Kind) =>
      [...ways.keys()].filter((name) => kind === "write" || name !== AS_AGENT);
    const cells: Cell[] = [];
    for (const kind of KINDS)
      for (const callers of CALLERS) {
        const names = namesFor(kind);
        const sides = names.map(
          (name): Side =>
            () =>
              round(name, kind, callers, ROUND_MS),
        );
        const found = await interleave(ROUNDS, sides);
        const figures = new Map(names.map((name, i) => [name, found[i]!]));
        cells.push({ kind, callers, figures });
      }
    await overHttp[Symbol.asyncDispose]();
    await overGrpc[Symbol.asyncDispose]();
    await grpc.close();
    await app.close();
    expectCount("writes", await count(place.admin, "vedic.transactions"), writes);
    const notes = [
      ...cells.map(described),
      "MCP's writes against those in process as an agent: counted against a budget, and signed before the answer",
      `busiest load process: ${busiest.busy.toFixed(2)} of a core (${busiest.name}); it shares the cores with PostgreSQL, which in process has them alone`,
    ];
    return { ...slowest(cells), notes, figures: Object.fromEntries(cells.flatMap(ratiosOf)) };
  },
);

/** The same input, credential and acknowledgement, with nothing between the caller and the pipeline. */
function inProcess(
  { system: { parts, operations }, project }: Scratch,
  credential: string,
  acknowledge: "durable" | "published",
): Way {
  const find = (kind: Kind): Operation => operations.find(({ name }) => name === OPERATIONS[kind])!;
  const operation = { read: find("read"), write: find("write") };
  let n = 0;
  const input = { read: () => ({ id: project.id }), write: () => paymentOf(n++ % 64) };
  return (kind, callers, duration_ms) =>
    closedLoops(callers, duration_ms, () =>
      run(parts, operation[kind], { credential, input: input[kind](), acknowledge }),
    );
}

function facesOf({ figures }: Cell): [string, readonly number[]][] {
  return [...figures].filter(([name]) => !isBase(name));
}

/** The same calls without the face. */
function base({ figures }: Cell, face: string): readonly number[] {
  return (face === "MCP" ? figures.get(AS_AGENT) : undefined) ?? figures.get(IN_PROCESS)!;
}

function slowest(cells: readonly Cell[]): Pick<Measured, "ours" | "theirs" | "figure"> {
  const [worst] = cells
    .filter(({ callers }) => callers === CALLERS_MAX)
    .flatMap((cell) =>
      facesOf(cell).map(([name, figures]) => ({
        ours: median(figures),
        theirs: median(base(cell, name)),
        figure: medianRatio(figures, base(cell, name)),
      })),
    )
    .sort((a, b) => a.figure - b.figure);
  return worst!;
}

function nameOf({ kind, callers }: Cell): string {
  return `${kind}, ${callers} caller${callers === 1 ? "" : "s"}`;
}

function described(cell: Cell): string {
  const faces = facesOf(cell).map(
    ([name, figures]) =>
      `${name} ${Math.round(median(figures))} (${medianRatio(figures, base(cell, name)).toFixed(2)})`,
  );
  const bases = [...cell.figures]
    .filter(([name]) => isBase(name))
    .map(([name, figures]) => `${name} ${Math.round(median(figures))}`);
  return `${nameOf(cell)}: ${bases.join(", ")}; ${faces.join(", ")}`;
}

function ratiosOf(cell: Cell): [string, number][] {
  return facesOf(cell).map(([name, figures]) => [
    `${name}, ${nameOf(cell)}`,
    medianRatio(figures, base(cell, name)),
  ]);
}
