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
  paymentInput,
  recordInput,
  rotateInput,
} from "../registries.ts";
import { type Case, NOTHING } from "./case.ts";
import type { World } from "./world.ts";

const NO_KEYSET = "00".repeat(32);
const VOUCHER = "22".repeat(64);

const gate = firstSet("gate");
const begin = ({ ask }: World, alias = "gate") =>
  ask("POST", "/v1/aliases", beginInput(firstSet(alias)));
const submit = ({ ask }: World, seq = 1) => ask("POST", "/v1/alias-records", recordInput({ seq }));
const endorse = ({ ask }: World, made: { id: string; record: string }, by = MAINTAINERS[0]!) =>
  ask("POST", `/v1/alias-records/${made.id}/endorse`, endorseInput(gate, made, by));
async function makeFinal(world: World, seq = 1): Promise<void> {
  const made = await submit(world, seq);
  for (const by of MAINTAINERS.slice(1)) await endorse(world, made, by);
}
const announce = ({ ask }: World, ...keys: string[]) =>
  ask("POST", "/v1/voucher-keysets", keysetInput(...keys));
const publish = async (world: World, number = 1) => {
  const { items } = await world.ask("GET", "/v1/voucher-keysets");
  const keyset = items[0]?.id ?? (await announce(world)).id;
  return world.ask("POST", "/v1/payment-records", paymentInput({ keyset, number }));
};
async function enforce(world: World) {
  const made = await publish(world);
  for (const by of endorsersOf(5))
    await world.ask(
      "POST",
      `/v1/payment-records/${made.id}/endorse`,
      endorsePaymentInput(made, by),
    );
  return made;
}
const account = ({ ask }: World, by: number) =>
  ask("POST", "/v1/forwarding", forwardingInput({}, keyOf(by)));

export const registryCases: readonly Case[] = [
  {
    operation: "registries.alias.begin",
    prepare: () => beginInput(gate),
    bad: { maintainers: [] },
  },
  {
    operation: "registries.alias.list",
    async prepare(world) {
      await begin(world);
      await begin(world, "other");
      await makeFinal(world);
      return { limit: 1 };
    },
    bad: { limit: 0 },
  },
  {
    operation: "registries.alias.resolve",
    async prepare(world) {
      await begin(world);
      await makeFinal(world, 1);
      await makeFinal(world, 2);
      return { alias: "gate" };
    },
    bad: { alias: "a b" },
    missing: { input: { alias: "nothing" }, code: "action/alias_missing" },
  },
  {
    operation: "registries.alias-maintainers.get",
    async prepare(world) {
      await begin(world);
      return { alias: "gate", number: 1 };
    },
    bad: { number: 0 },
    missing: { input: { alias: "nothing" }, code: "action/alias_missing" },
  },
  {
    operation: "registries.alias-maintainers.rotate",
    async prepare(world) {
      await begin(world);
      return rotateInput(gate, [4, 5, 6].map(keyOf), MAINTAINERS.slice(0, 2));
    },
    bad: { number: 0 },
    missing: { input: { alias: "nothing" }, code: "action/alias_missing" },
  },
  {
    operation: "registries.alias-record.submit",
    async prepare(world) {
      await begin(world);
      return recordInput({});
    },
    bad: { record: "A0" },
    missing: { input: { record: "a0" }, code: "action/record_malformed" },
  },
  {
    operation: "registries.alias-record.endorse",
    async prepare(world) {
      await begin(world);
      const made = await submit(world);
      return { id: made.id, ...endorseInput(gate, made, MAINTAINERS[0]!) };
    },
    bad: { id: "none" },
    missing: { input: { id: NOTHING }, code: "action/alias_record_missing" },
  },
  {
    operation: "registries.alias-record.list",
    async prepare(world) {
      await begin(world);
      await submit(world, 1);
      await endorse(world, await submit(world, 2));
      return { alias: "gate", limit: 1 };
    },
    bad: { limit: 0 },
  },
  {
    operation: "registries.voucher-keyset.announce",
    prepare: () => ({ ...keysetInput(), valid_to: "2100-01-01T00:00:00.000Z" }),
    bad: { public_keys: ["00"] },
  },
  {
    operation: "registries.voucher-keyset.activate",
    async prepare(world) {
      const { keyset_id } = await enforce(world);
      return { id: keyset_id };
    },
    bad: { id: "none" },
    missing: { input: { id: NO_KEYSET }, code: "action/voucher_keyset_missing" },
  },
  {
    operation: "registries.voucher-keyset.retire",
    prepare: async (world) => ({ id: (await announce(world)).id }),
    bad: { id: "none" },
    missing: { input: { id: NO_KEYSET }, code: "action/voucher_keyset_missing" },
  },
  {
    operation: "registries.voucher-keyset.list",
    async prepare(world) {
      await announce(world);
      await announce(world, "ef".repeat(32));
      return { limit: 1 };
    },
    bad: { limit: 0 },
  },
  {
    operation: "registries.voucher.check",
    prepare: async (world) => ({ voucher: (await announce(world)).id + "33".repeat(96) }),
    bad: { voucher: VOUCHER },
  },
  {
    operation: "registries.payment-record.publish",
    prepare: async (world) => paymentInput({ keyset: (await announce(world)).id }),
    bad: { record: "" },
    missing: { input: { record: "a0" }, code: "action/record_malformed" },
  },
  {
    operation: "registries.payment-record.endorse",
    async prepare(world) {
      const made = await publish(world);
      return { id: made.id, ...endorsePaymentInput(made, endorsersOf(5)[0]!) };
    },
    bad: { id: "none" },
    missing: { input: { id: NOTHING }, code: "action/payment_record_missing" },
  },
  {
    operation: "registries.payment-record.get",
    prepare: async (world) => ({ id: (await enforce(world)).id }),
    bad: { id: "none" },
    missing: { input: { id: NOTHING }, code: "action/payment_record_missing" },
  },
  {
    operation: "registries.payment-record.list",
    async prepare(world) {
      await publish(world, 1);
      await publish(world, 2);
      return { limit: 1 };
    },
    bad: { limit: 0 },
  },
  {
    operation: "registries.forwarding.record",
    prepare: async (world) => forwardingInput({ keyset: (await announce(world)).id }),
    bad: { record: "" },
    missing: { input: { record: "a0" }, code: "action/record_malformed" },
  },
  {
    operation: "registries.forwarding.list",
    async prepare(world) {
      await account(world, 10);
      await account(world, 11);
      return { limit: 1, from: "2026-01-01T00:00:00.000Z" };
    },
    bad: { relay: "none" },
  },
  {
    operation: "registries.forwarding.sum",
    async prepare(world) {
      await account(world, 10);
      await account(world, 11);
      return { limit: 1, by: "month", of: "peers", until: "2026-12-01T00:00:00.000Z" };
    },
    bad: { limit: 0 },
  },
];
