import { setTimeout as sleep } from "node:timers/promises";
import { replayWindow } from "../server/src/domains/authz/index.ts";
import { decideBy, openVersion, type Version } from "../server/src/domains/authz/policy.ts";
import { readActiveVersion } from "../server/src/domains/authz/queries.ts";
import { requestOf } from "../server/src/domains/authz/question.ts";
import { newId } from "../server/src/kernel/ids.ts";
import { openStream, type Question } from "../server/src/pipeline/index.ts";
import { isFull, measure } from "./kit/claim.ts";
import { expectCount, interleave, median, medianRatio, spread } from "./kit/rounds.ts";
import { type Scratch, scratch } from "./kit/scratch.ts";

/** Questions of which each is another, by this many principals; the other rows repeat them under ids of their own. */
const QUESTIONS = 20_000;
const PRINCIPALS = 2_000;
const DECISIONS = isFull ? 1_000_000 : 100_000;
const CALLERS = 64;
const ROUNDS = isFull ? 3 : 5;

/** The end of the window: calls of the bench itself come later. */
let filled = "";

const questionOf = (n: number): Question => ({
  principal: {
    type: "ServiceAccount",
    id: `till-${n % PRINCIPALS}`,
    groups: [`shop-${n % 50}`, n % 10 === 0 ? "visitors" : "services"],
  },
  action: { id: "risk.transaction.assess", groups: ["risk", "risk.transaction", "write"] },
  resource: { type: "Account", id: `account-${n}` },
  context: {
    amount_cents: n % 20 === 0 ? 1_000_000_000 + n : n,
    auth: { method: "api_key", step_up: false, tier: "T1" },
    network: {},
    time: {
      __extn: { fn: "datetime", arg: new Date(1_790_000_000_000 + n * 1_000).toISOString() },
    },
    type: "PAYMENT",
  },
});

await measure(
  {
    name: "replay",
    says:
      "deciding stored decisions again, each with its trace and the hash over it, against deciding the same questions in memory " +
      "with their traces and hashes",
    unit: "decisions per second",
    target: 0.5,
    bound: "min",
  },
  async () => {
    await using place = await scratch();
    const version = await fill(place);
    const questions = Array.from({ length: QUESTIONS }, (_, n) => questionOf(n));
    const timed = async (work: () => Promise<number>) => {
      const start = performance.now();
      expectCount("decisions", await work(), DECISIONS);
      return (DECISIONS * 1000) / (performance.now() - start);
    };
    const sides = [
      () => timed(() => replay(place)),
      () => timed(async () => decideAll(questions, version)),
      () => timed(async () => decideBare(questions, version)),
      () => timed(() => preview(place)),
    ];
    await interleave(1, sides);
    const [ours, theirs, bare, previews] = (await interleave(ROUNDS, sides)) as [
      number[],
      number[],
      number[],
      number[],
    ];
    return {
      ours: median(ours),
      theirs: median(theirs),
      figure: medianRatio(ours, theirs),
      figures: { bare_in_memory: median(bare), previewed: median(previews) },
      notes: [
        spread("ours", ours),
        spread("theirs", theirs),
        spread("in memory without traces and hashes", bare),
        spread("previews", previews),
        `${DECISIONS} decisions of ${QUESTIONS} questions by ${PRINCIPALS} principals and the default policies`,
      ],
    };
  },
);

async function replay({ system, project }: Scratch): Promise<number> {
  const { db, clock } = system.parts;
  const { result } = await replayWindow({ db, clock, countErased: () => Promise.resolve(0) })({
    id: project.id,
    tenantId: project.id,
    payload: { since: null, until: filled },
    attempt: 1,
    signal: new AbortController().signal,
    progress() {},
  });
  return (result as { agreed: number }).agreed;
}

async function preview({ system, project }: Scratch): Promise<number> {
  const operation = system.operations.find(({ name }) => name === "authz.policy-version.preview")!;
  const { items } = await openStream(system.parts, operation, {
    credential: project.key,
    input: { set: "default", number: 1, max: DECISIONS, until: filled },
    signal: new AbortController().signal,
  });
  let unchanged = 0;
  for await (const item of items) {
    const { summary } = item as { summary: { counts: { unchanged: number } } | null };
    if (summary !== null) ({ unchanged } = summary.counts);
  }
  return unchanged;
}

function decideAll(questions: readonly Question[], version: Version): number {
  let decided = 0;
  for (; decided < DECISIONS; decided++)
    if (decideBy(version, questions[decided % QUESTIONS]!).traceHash === "") throw new Error();
  return decided;
}

function decideBare(questions: readonly Question[], { policies }: Version): number {
  let decided = 0;
  for (; decided < DECISIONS; decided++)
    policies.decide(requestOf(questions[decided % QUESTIONS]!));
  return decided;
}

/** Records decisions as calls do, then repeats them under new ids up to the number. Gives the version that decided. */
async function fill({ system, project, admin }: Scratch): Promise<Version> {
  const { parts } = system;
  const principal = await parts.authenticate(project.key, false);
  let n = 0;
  const loop = async () => {
    while (n < QUESTIONS) {
      const question = questionOf(n++);
      const decision = await parts.policy.decide(principal, question);
      const of = { id: newId(), askedBy: null, requestId: "bench", time_ms: Date.now() };
      const rows = parts.policy.rows(decision, question, { ...of, operation: question.action.id });
      await parts.committer.commit({ tenantId: project.id, id: of.id, rows: [...rows] });
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, loop));
  for (let copied = QUESTIONS; copied < DECISIONS; copied += QUESTIONS)
    await admin.query(
      `insert into authz.policy_decisions
       select d.tenant_id, (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3)
           || '8' || substr(md5(random()::text), 1, 15))::uuid,
         d.asked_by, d.request_id, d.operation, d.principal, d.action, d.resource_type, d.resource_id, d.context, d.outcome,
         d.policy_version_id, d.engine, d.entity_slice_hash, d.reasons, d.errors, d.trace_hash, d.created_at
       from (select * from authz.policy_decisions where tenant_id = $1 order by id limit $2) d`,
      [project.id, QUESTIONS],
    );
  await admin.query("vacuum analyze authz.policy_decisions");
  filled = new Date(Date.now() + 1).toISOString();
  while (Date.now() <= Date.parse(filled)) await sleep(1);
  const scope = { role: "reader", tenantId: project.id } as const;
  const stored = await parts.db.transaction(scope, (tx) => readActiveVersion(tx, "default"));
  return openVersion(stored!);
}
