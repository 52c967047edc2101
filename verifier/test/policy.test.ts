import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cosigner,
  ed25519Signer,
  isWitnessed,
  keyLabel,
  parsePolicy,
  verifyCheckpoint,
  verifyReceipt,
} from "../src/index.ts";
import { LOG, OTHER_LOG, STRANGER, sampleCheckpoint, sampleReceipt, WITNESS } from "./samples.ts";

const witness = (n: number) =>
  cosigner(`witness.example/x${n}`, new Uint8Array(32).fill(40 + n), () => 1_795_000_000);
const [X1, X2, X3, Y1, Y2, Y3] = [1, 2, 3, 4, 5, 6].map(witness) as [
  typeof WITNESS,
  typeof WITNESS,
  typeof WITNESS,
  typeof WITNESS,
  typeof WITNESS,
  typeof WITNESS,
];
/** The example of c2sp.org/tlog-policy, with keys. */
const EXAMPLE = `# two organizations
log ${LOG.vkey}

witness X1 ${X1.vkey}\t https://x1.example/
\twitness X2 ${X2.vkey}
witness X3 ${X3.vkey}
group X-witnesses 2 X1 X2 X3

witness Y1 ${Y1.vkey}
witness Y2 ${Y2.vkey}
witness Y3 ${Y3.vkey}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;
const single = (quorum = "w1") =>
  `log ${LOG.vkey} https://log.example/\nwitness w1 ${WITNESS.vkey} http://127.0.0.1:1/\nquorum ${quorum}\n`;

describe("a quorum", () => {
  it.each([
    [[X1, X2, Y1], true],
    [[X2, X3, Y3], true],
    [[X1, X2, X3, Y1, Y2, Y3], true],
    [[X1, Y1], false],
    [[X1, X2, X3], false],
    [[Y1, Y2, Y3], false],
    [[X1, STRANGER, Y1], false],
    [[], false],
  ])("of two of one group and one of another: case %#", async (signers, wanted) => {
    const note = await sampleCheckpoint(5, [LOG, ...signers]);
    const answer = verifyCheckpoint(note, [], EXAMPLE);
    expect(answer).toMatchObject(
      wanted ? { ok: true, size: 5 } : { ok: false, code: "verify/quorum-missing" },
    );
    if (answer.ok) expect(answer.keys).toHaveLength(1 + signers.length);
  });

  it("agrees with counting, for every k of n", () => {
    const all = [X1, X2, X3, Y1, Y2];
    const named = all.map(({ vkey }, i) => `witness w${i} ${vkey}\n`).join("");
    const names = all.map((_, i) => `w${i}`).join(" ");
    for (let k = 1; k <= all.length; k++) {
      const policy = parsePolicy(`${named}group g ${k} ${names}\nquorum g\n`);
      for (let mask = 0; mask < 2 ** all.length; mask++) {
        const signed = all.filter((_, i) => (mask >> i) % 2 === 1).map(keyLabel);
        expect(isWitnessed(policy, signed)).toBe(signed.length >= k);
      }
    }
  });

  it("none needs no cosignature", async () => {
    expect(verifyCheckpoint(await sampleCheckpoint(5), [], single("none"))).toMatchObject({
      ok: true,
    });
  });
});

describe("logs", () => {
  it("may be known from elsewhere", async () => {
    const text = `witness w1 ${WITNESS.vkey}\nquorum w1\n`;
    const note = await sampleCheckpoint(5, [LOG, WITNESS]);
    expect(verifyCheckpoint(note, [LOG.vkey], text)).toMatchObject({ ok: true });
    expect(verifyCheckpoint(note, [], text)).toMatchObject({ code: "verify/origin-unsigned" });
    expect(verifyCheckpoint(note, [OTHER_LOG.vkey], text)).toMatchObject({
      code: "verify/origin-unsigned",
    });
  });

  it("are not signed for by a witness of their name", async () => {
    const twin = cosigner(LOG.name, new Uint8Array(32).fill(9), () => 1);
    const text = `log ${LOG.vkey}\nwitness w ${twin.vkey}\nquorum w\n`;
    const note = await sampleCheckpoint(5, [twin as never]);
    expect(verifyCheckpoint(note, [], text)).toMatchObject({
      ok: false,
      code: "verify/origin-unsigned",
    });
    expect(verifyCheckpoint(await sampleCheckpoint(5, [LOG, twin]), [], text)).toMatchObject({
      ok: true,
    });
  });
});

describe("a text that is no policy", () => {
  const w = `witness a ${X1.vkey}\nwitness b ${X2.vkey}\n`;
  const renamed = cosigner("another.name", new Uint8Array(32).fill(41), () => 1);
  it.each([
    ["nothing", "", /no quorum/],
    ["no quorum", w, /no quorum/],
    ["two quorums", `${w}quorum a\nquorum b\n`, /twice/],
    ["a quorum of nobody", `${w}quorum c\n`, /nothing above it is named c/],
    ["a quorum before its witness", `quorum a\n${w}`, /nothing above/],
    ["a group of nobody", `${w}group g all\nquorum g\n`, /no log, witness/],
    ["a group of itself", `${w}group g all a g\nquorum g\n`, /nothing above it is named g/],
    ["a threshold of 0", `${w}group g 0 a b\nquorum g\n`, /not any, all/],
    ["a threshold above", `${w}group g 3 a b\nquorum g\n`, /not any, all/],
    ["a threshold with a zero before", `${w}group g 01 a b\nquorum g\n`, /not any, all/],
    ["a member twice", `${w}group g all a a\nquorum g\n`, /member already/],
    [
      "a member of two groups",
      `${w}group g all a b\ngroup h all a\nquorum g\n`,
      /a is a member already/,
    ],
    ["none as a member", `${w}group g all a none\nquorum g\n`, /nothing above/],
    ["none as a name", `witness none ${X1.vkey}\nquorum none\n`, /is taken/],
    ["a name twice", `${w}group a any b\nquorum a\n`, /is taken/],
    ["a key twice", `witness a ${X1.vkey}\nwitness b ${renamed.vkey}\nquorum a\n`, /line above/],
    ["a log twice", `log ${LOG.vkey}\nlog ${LOG.vkey} u\nquorum none\n`, /line above/],
    ["a log's key as a witness", `witness a ${LOG.vkey}\nquorum a\n`, /type 1/],
    ["a witness as a log", `log ${X1.vkey}\nquorum none\n`, /type 4/],
    ["a cut key", `log ${LOG.vkey.slice(0, -4)}\nquorum none\n`, /Line 1/],
    ["an unknown word", `logs ${LOG.vkey}\nquorum none\n`, /Line 1/],
    ["a word too many", `log ${LOG.vkey} u v\nquorum none\n`, /Line 1/],
    ["a last line without its end", `${w}quorum a`, /newline/],
    ["a carriage return", `${w}quorum a\r\n`, /control/],
    ["a lone surrogate", `# \ud800\nquorum none\n`, /surrogate/],
    ["too much", `${"#\n".repeat(1_001)}quorum none\n`, /more than/],
    ["a huge one", "#".repeat(100_001), /longer/],
  ])("%s", async (_, text, why) => {
    const answer = verifyCheckpoint(await sampleCheckpoint(5), [LOG.vkey], text);
    expect(answer).toMatchObject({ ok: false, code: "verify/policy-malformed" });
    expect(!answer.ok && answer.message).toMatch(why);
  });

  it("takes what the standard allows: comments, tabs, empty lines, names of any letters, 32 of each", () => {
    const logs = Array.from({ length: 32 }, (_, i) =>
      ed25519Signer(`l${i}`, new Uint8Array(32).fill(100 + i)),
    );
    const witnesses = Array.from({ length: 32 }, (_, i) => witness(60 + i));
    const text = [
      "  # ünïcode \t",
      ...logs.map(({ vkey }) => `log\t${vkey}`),
      ...witnesses.map(({ vkey }, i) => ` witness K${i} ${vkey} `),
      ...witnesses.map((_, i) => `group \u212a${i} all K${i}`),
      "quorum \u212a0",
      "",
      "",
    ].join("\n");
    expect(parsePolicy(text)).toMatchObject({ logs: { length: 32 }, groups: { length: 32 } });
  });
});

describe("a changed byte of a policy", async () => {
  const bare = await sampleReceipt({ index: 2, size: 5 });
  const cosigned = await sampleReceipt({ index: 2, size: 5 }, [LOG, WITNESS]);
  const policy = `log ${LOG.vkey}\nwitness w1 ${WITNESS.vkey} u\ngroup g all w1\nquorum g\n`;

  it("never lets a receipt pass that lacks its cosignature, and is always answered", () => {
    expect(verifyReceipt(cosigned, [], policy)).toMatchObject({ ok: true });
    const bytes = Buffer.from(policy);
    for (let at = 0; at < bytes.length; at++) {
      const old = bytes[at] as number;
      for (let flip = 1; flip < 256; flip = flip < 128 ? flip * 2 : flip + 63) {
        bytes[at] = old ^ flip;
        const changed = bytes.toString("latin1");
        const answer = verifyReceipt(bare, [], changed);
        if (answer.ok) expect.fail(`byte ${at} ^ ${flip} lets it pass`);
        if (answer.code === "verify/unexpected") expect.fail(answer.message);
      }
      bytes[at] = old;
    }
  });

  it("leaves the same keys in charge, or the receipt does not pass", () => {
    let same = 0;
    for (let at = 0; at < policy.length; at++) {
      const letter = policy[at] === "A" ? "B" : "A";
      const changed = policy.slice(0, at) + letter + policy.slice(at + 1);
      const answer = verifyReceipt(cosigned, [], changed);
      if (!answer.ok) continue;
      expect(answer.keys).toEqual([keyLabel(LOG), keyLabel(WITNESS)]);
      same++;
    }
    // The address alone may say anything.
    expect(same).toBe(1);
  });

  it("and any other text is answered, without a throw", () => {
    const words = fc.constantFrom(
      "log",
      "witness",
      "group",
      "quorum",
      "any",
      "2",
      "none",
      "a",
      "\n",
    );
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.oneof(words, fc.constantFrom(LOG.vkey, X1.vkey))).map((all) => all.join(" ")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const answer = verifyReceipt(bare, [], text);
        expect(answer.ok ? "ok" : answer.code).toMatch(/^(ok|verify\/(?!unexpected))/);
      }),
    );
  });
});
