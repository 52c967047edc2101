import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Refusal } from "#kernel/refusal.ts";
import type { Question } from "#pipeline";
import { canonicalJson } from "#verifier";
import { decideBy, openVersion, reopenVersion } from "./policy.ts";

const all = { op: "All" };
const PERMIT = { effect: "permit", principal: all, action: all, resource: all, conditions: [] };
const DOCUMENT = { staticPolicies: { p: PERMIT } };
const QUESTION: Question = {
  principal: { type: "User", id: "ada", groups: [] },
  action: { id: "doc.page.read", groups: ["doc", "doc.page"] },
  resource: { type: "Page", id: "1" },
  context: {},
};

const stored = (document: string, hash = createHash("sha256").update(document).digest("hex")) => ({
  id: "v",
  number: 1,
  status: "active",
  document,
  hash,
  schemaHash: null,
  engine: "",
  createdAt: new Date(0),
  quarantinedAt: null,
});

describe("a version that was edited after it was stored", () => {
  const text = canonicalJson(DOCUMENT);
  const { hash } = stored(text);
  const edited = text.replace("permit", "forbid");

  test("does not decide", () => {
    expect(decideBy(openVersion(stored(text)), QUESTION).outcome).toBe("allow");
    for (const other of [edited, `${text} `, "{}", "no JSON"])
      expect(() => openVersion(stored(other, hash))).toThrow(
        expect.objectContaining({
          code: "policy/version_changed",
          status: 503,
          facts: { policy_version_id: "v" },
        }),
      );
    expect(() => openVersion(stored(edited, hash))).toThrow(Refusal);
  });

  test("disagrees when it decides again", () => {
    const first = decideBy(openVersion(stored(text)), QUESTION);
    expect(decideBy(reopenVersion(stored(text, hash)), QUESTION).traceHash).toBe(first.traceHash);
    for (const other of [edited, `${text} `, "{}", "no JSON"])
      expect(decideBy(reopenVersion(stored(other, hash)), QUESTION).traceHash).not.toBe(
        first.traceHash,
      );
  });

  test("opens although authors may write less today", () => {
    const large = canonicalJson({
      staticPolicies: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`p${i}`, PERMIT])),
    });
    expect(decideBy(openVersion(stored(large)), QUESTION).outcome).toBe("allow");
  });
});
