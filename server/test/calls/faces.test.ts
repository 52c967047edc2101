import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toolNameOf } from "#faces/mcp/names.ts";
import { packageRoot } from "#kernel/package-root.ts";
import type { Operation } from "#pipeline";
import { operations } from "../../src/main.ts";
import { type Case, caseOf, cases } from "../faces/cases.ts";
import { differences } from "../faces/compare.ts";
import { notCovered } from "../faces/coverage.ts";
import { type Examined, examine, expected } from "../faces/examine.ts";
import { type Face, serves } from "../faces/face.ts";
import { callTool, connect } from "../faces/mcp.ts";
import { observe } from "../faces/observe.ts";
import { type Faces, openFaces } from "../faces/open.ts";
import { makeWorld } from "../faces/world.ts";

// One test for all faces: the same call, whichever way it comes, has the same output or the same refusal, the same
// decision and the same entry. What is known beforehand is asked of REST, and the others are compared with it.
let faces: Faces;
beforeAll(async () => {
  faces = await openFaces();
});
afterAll(() => faces?.close());

/** What was looked at: "operation on face". */
const covered = new Set<string>();

describe.concurrent("the same on every face", () => {
  for (const operation of operations.filter(({ name }) => caseOf(name) !== undefined))
    test(operation.name, async () => {
      const one = caseOf(operation.name)!;
      const [rest, ...others] = await examineAll(operation, one);
      expect(rest!.seen).toMatchObject(expected(operation, one));
      const found = others.flatMap(({ face, seen }) =>
        differences(rest!.seen, seen).map((line) => `${face.name}: ${line}`),
      );
      expect(found).toEqual([]);
    });
});

async function examineAll(operation: Operation, one: Case) {
  const { ground, rest, others } = faces;
  const all: { face: Face; seen: Examined }[] = [];
  const asked = [rest, ...others].filter((face) => serves(face, operation) === "calls");
  const look = async (face: Face) => ({ face, seen: await examine(ground, face, operation, one) });
  if (one.oneByOne) for (const face of asked) all.push(await look(face));
  else all.push(...(await Promise.all(asked.map(look))));
  for (const { face } of all) covered.add(`${operation.name} on ${face.name}`);
  return all;
}

// By design: whatever a session names and the policies say, a face for agents does not offer what is for people.
describe.concurrent("for people only, on a face for agents", () => {
  for (const operation of operations.filter(({ agents }) => agents === "never"))
    test(operation.name, async () => {
      const { ground, url, system, others } = faces;
      const { name } = operation;
      const world = await makeWorld(system, [name]);
      const input = await caseOf(name)!.prepare(world);
      const { key, agentKey } = world.admin;
      for (const one of [key, agentKey]) {
        const { tools } = await (await connect(url, one)).listTools();
        expect(tools.map((tool) => tool.name)).not.toContain(toolNameOf(name));
      }
      const unknown = await callTool(connect(url, key), operation, input, "by-a-key");
      expect(unknown).toEqual({ code: "request/unknown_tool", callId: undefined });
      for (const face of others.filter((one) => serves(one, operation) === "refuses")) {
        const call = { world: ground.elsewhere, input, from: ground.elsewhere.admin };
        expect(await observe(system, face, operation, call)).toMatchObject({
          code: "policy/not_for_agents",
          decisions: [{ operation: name, actor: "<caller>", outcome: "refused", policy: "allow" }],
          entries: [{ kind: "refusal", action: name, outcome: "refused" }],
          toldRight: true,
        });
        covered.add(`${name} on ${face.name}`);
      }
    });
});

describe("nothing is left out", () => {
  test("every operation has a case, and was looked at on every face", () => {
    const known = readFileSync(join(import.meta.dirname, "faces-not-covered.txt"), "utf8");
    const all = [faces.rest, ...faces.others];
    expect(notCovered(operations, cases, all, covered)).toEqual(known.split("\n").filter(Boolean));
    expect(known).toBe("");
  });

  test("every face that is made is among them", () => {
    const made = globSync("src/faces/*/", { cwd: packageRoot })
      .map((path) => basename(path))
      // Files of a log, which three operations have the bytes of: server/test/calls/tlog.test.ts.
      .filter((face) => face !== "tlog");
    const homes = new Set([faces.rest, ...faces.others].map(({ home }) => home));
    expect([...homes].toSorted()).toEqual([...made, "sdk"].toSorted());
  });
});
