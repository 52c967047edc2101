import { expect } from "vitest";
import {
  beginInput,
  endorseInput,
  endorsePaymentInput,
  endorsersOf,
  firstSet,
  forwardingInput,
  keyOf,
  keysetInput,
  MAINTAINERS,
  NODE,
  paymentInput,
  recordInput,
  rotateInput,
  sha256,
} from "./registries.ts";
import type { Answer, Caller } from "./system.ts";

interface Theirs {
  readonly aliasRecord: string;
  readonly paymentRecord: string;
  readonly forwarding: string;
  readonly node: string;
}

const theirSet = firstSet("their-gate");
const KEYSET = keysetInput("a1".repeat(32));

/** Something in every registry of the first project: a final record, one in force, an active keyset. */
export async function makeTheirs(home: Caller): Promise<Theirs> {
  const ask = async (path: string, body: object) => {
    const answer = await home.call("POST", path, body);
    if (answer.status >= 300) throw new Error(`${path}: ${answer.text}`);
    return answer.body;
  };
  await ask("/v1/aliases", beginInput(theirSet));
  const record = await ask("/v1/alias-records", recordInput({ alias: "their-gate" }));
  for (const by of MAINTAINERS.slice(1))
    await ask(`/v1/alias-records/${record.id}/endorse`, endorseInput(theirSet, record, by));
  const keyset = await ask("/v1/voucher-keysets", KEYSET);
  const payment = await ask("/v1/payment-records", paymentInput({ keyset: keyset.id }));
  for (const by of endorsersOf(5))
    await ask(`/v1/payment-records/${payment.id}/endorse`, endorsePaymentInput(payment, by));
  await ask(`/v1/voucher-keysets/${keyset.id}/activate`, {});
  const forwarding = await ask("/v1/forwarding", forwardingInput());
  return {
    aliasRecord: record.id,
    paymentRecord: payment.id,
    forwarding: forwarding.id,
    node: NODE.node,
  };
}

type Case = (theirs: Theirs) => {
  readonly path: string;
  readonly body?: unknown;
  readonly want: string | ((answer: Answer) => void);
};

/** The id of the keyset that the first project announced. */
const keysetOf = sha256(Buffer.from("a1".repeat(32), "hex")).toString("hex");
const created: (answer: Answer) => void = ({ status }) => expect(status).toBe(201);

/** What another project gets of the registries. */
export function registryTenancy(
  only: (count: number) => (answer: Answer) => void,
): Record<string, Case> {
  const keysetPath = (verb: string) => `/v1/voucher-keysets/${keysetOf}/${verb}`;
  return {
    "registries.alias.begin": () => ({
      path: "/v1/aliases",
      body: beginInput(theirSet),
      want: created,
    }),
    "registries.alias.list": () => ({ path: "/v1/aliases", want: only(0) }),
    "registries.alias.resolve": () => ({
      path: "/v1/aliases/resolve?alias=their-gate",
      want: "action/alias_missing",
    }),
    "registries.alias-maintainers.get": () => ({
      path: "/v1/alias-maintainers?alias=their-gate",
      want: "action/alias_missing",
    }),
    "registries.alias-maintainers.rotate": () => ({
      path: "/v1/alias-maintainers",
      body: rotateInput(theirSet, [4, 5, 6].map(keyOf), MAINTAINERS.slice(0, 2)),
      want: "action/alias_missing",
    }),
    "registries.alias-record.submit": () => ({
      path: "/v1/alias-records",
      body: recordInput({ alias: "their-gate", seq: 2 }),
      want: "action/alias_missing",
    }),
    "registries.alias-record.endorse": ({ aliasRecord }) => ({
      path: `/v1/alias-records/${aliasRecord}/endorse`,
      body: endorseInput(theirSet, recordInput({ alias: "their-gate" }), MAINTAINERS[0]!),
      want: "action/alias_record_missing",
    }),
    "registries.alias-record.list": () => ({
      path: "/v1/alias-records?alias=their-gate",
      want: only(0),
    }),
    "registries.voucher-keyset.announce": () => ({
      path: "/v1/voucher-keysets",
      body: KEYSET,
      want: created,
    }),
    "registries.voucher-keyset.activate": () => ({
      path: keysetPath("activate"),
      body: {},
      want: "action/voucher_keyset_missing",
    }),
    "registries.voucher-keyset.retire": () => ({
      path: keysetPath("retire"),
      body: {},
      want: "action/voucher_keyset_missing",
    }),
    "registries.voucher-keyset.list": () => ({ path: "/v1/voucher-keysets", want: only(0) }),
    "registries.voucher.check": () => ({
      path: "/v1/vouchers/check",
      body: { voucher: keysetOf + "00".repeat(96) },
      want: ({ body }) => expect(body.is_known).toBe(false),
    }),
    "registries.payment-record.publish": () => ({
      path: "/v1/payment-records",
      body: paymentInput({ keyset: keysetOf }),
      want: "action/voucher_keyset_missing",
    }),
    "registries.payment-record.endorse": ({ paymentRecord }) => ({
      path: `/v1/payment-records/${paymentRecord}/endorse`,
      body: endorsePaymentInput(paymentInput({ keyset: keysetOf }), endorsersOf(5)[0]!),
      want: "action/payment_record_missing",
    }),
    "registries.payment-record.get": ({ paymentRecord }) => ({
      path: `/v1/payment-records/${paymentRecord}`,
      want: "action/payment_record_missing",
    }),
    "registries.payment-record.list": () => ({ path: "/v1/payment-records", want: only(0) }),
    "registries.forwarding.record": () => ({
      path: "/v1/forwarding",
      body: forwardingInput({}, keyOf(11)),
      want: created,
    }),
    "registries.forwarding.list": ({ node }) => ({
      path: `/v1/forwarding?relay=${node}`,
      want: only(0),
    }),
    "registries.forwarding.sum": () => ({ path: "/v1/forwarding/sums", want: only(0) }),
  };
}
