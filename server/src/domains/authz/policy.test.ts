import { describe, expect, test } from "vitest";
import { Refusal } from "#kernel/refusal.ts";
import type { Question } from "#pipeline";
import { canonicalJson } from "#verifier";
import { storedVersion } from "../../../test/stored-version.ts";
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

describe("a version that was edited after it was stored", () => {
  const text = canonicalJson(DOCUMENT);
  const { hash } = storedVersion(text);
  const edited = text.replace("permit", "forbid");

  test("does not decide", () => {
    expect(decideBy(openVersion(storedVersion(text)), QUESTION).outcome).toBe("allow");
    for (const other of [edited, `${text} `, "{}", "no JSON"])
      expect(() => openVersion(storedVersion(other, hash))).toThrow(
        expect.objectContaining({
          code: "policy/version_changed",
          status: 503,
          facts: { policy_version_id: "v" },
        }),
      );
    expect(() => openVersion(storedVersion(edited, hash))).toThrow(Refusal);
  });

  test("disagrees when it decides again", () => {
    const first = decideBy(openVersion(storedVersion(text)), QUESTION);
    expect(decideBy(reopenVersion(storedVersion(text, hash)), QUESTION).traceHash).toBe(
      first.traceHash,
    );
    for (const other of [edited, `${text} `, "{}", "no JSON"])
      expect(decideBy(reopenVersion(storedVersion(other, hash)), QUESTION).traceHash).not.toBe(
        first.traceHash,
      );
  });

  test("opens although authors may write less today", () => {
    const large = canonicalJson({
      staticPolicies: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`p${i}`, PERMIT])),
    });
    expect(decideBy(openVersion(storedVersion(large)), QUESTION).outcome).toBe("allow");
  });
});
