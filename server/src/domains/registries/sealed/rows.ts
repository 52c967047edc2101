import type { z } from "zod";
import { readAliasRecord } from "../alias/record.ts";
import type { aliasRecord, maintainerSet } from "../alias/shapes.ts";
import { bytesOf, digest, hexOf } from "../digest.ts";
import { readForwardingRecord } from "../forwarding/record.ts";
import { readPaymentRecord } from "../payment/record.ts";
import type { keyset, paymentRecord } from "../payment/shapes.ts";
import type { RowText } from "./queries.ts";

/** What an entry says of a call: its input and its output as they were sealed. */
export interface SealedCall {
  readonly action: string;
  /** When the call was admitted, as in the entry. */
  readonly time: string;
  readonly input: unknown;
  readonly output: unknown;
}

/** The rows that a call put into the registries, as `readRegistryRows` reads them. */
export const sealedRows = (call: SealedCall): readonly RowText[] => ROWS[call.action]?.(call) ?? [];

type Input = Readonly<Record<string, string>>;

const ROWS: Readonly<Record<string, (call: SealedCall) => readonly RowText[]>> = {
  "registries.alias.begin": maintainers,
  "registries.alias-maintainers.rotate": maintainers,
  "registries.alias-record.submit"({ input, output, time }) {
    const { record, public_key } = input as Input;
    const { alias, node, seq, sig, ts } = readAliasRecord(bytesOf(record!));
    const { maintainers_id } = output as z.output<typeof aliasRecord>;
    const signed = [hexOf(node), public_key!, String(seq), seconds(ts * 1000), hexOf(sig), record!];
    return [["alias record", alias, ...signed, maintainers_id, at(time)]];
  },
  "registries.alias-record.endorse"({ input, time }) {
    const { id, maintainer, signature } = input as Input;
    return [["alias endorsement", id!, maintainer!, signature!, at(time)]];
  },
  "registries.voucher-keyset.announce"({ output, time }) {
    const { id, curve, public_keys, valid_from, valid_to } = output as z.output<typeof keyset>;
    const valid = [at(valid_from), valid_to === null ? "" : at(valid_to)];
    return [["keyset", id, curve, public_keys.join(), ...valid, at(time)]];
  },
  "registries.voucher-keyset.activate": ({ input }) => [["activated", (input as Input)["id"]!]],
  "registries.voucher-keyset.retire": ({ input }) => [["retired", (input as Input)["id"]!]],
  "registries.payment-record.publish"({ input, output, time }) {
    const { record } = input as Input;
    const { number, keyset } = readPaymentRecord(bytesOf(record!));
    const { endorsers } = output as z.output<typeof paymentRecord>;
    const hash = hexOf(digest(bytesOf(record!)));
    const about = [String(number), hexOf(keyset), record!, hash, endorsers.join()];
    return [["payment record", ...about, at(time)]];
  },
  "registries.payment-record.endorse"({ input, time }) {
    const { id, endorser, signature } = input as Input;
    return [["payment endorsement", id!, endorser!, "ed25519", signature!, at(time)]];
  },
  "registries.forwarding.record"({ input, time }) {
    const { record, public_key, signature } = input as Input;
    const read = readForwardingRecord(bytesOf(record!));
    const { relay, peer, start, end, bytes, units, keyset } = read;
    return [
      [
        "forwarding",
        hexOf(relay),
        peer === null ? "" : hexOf(peer),
        seconds(start * 1000),
        seconds(end * 1000),
        String(bytes),
        String(units),
        keyset === null ? "" : hexOf(keyset),
        public_key!,
        record!,
        signature!,
        at(time),
      ],
    ];
  },
};

function maintainers({ input, output, time }: SealedCall): readonly RowText[] {
  const { alias, number, maintainers, min_signers, rotation_signers } = output as z.output<
    typeof maintainerSet
  >;
  const { signatures = [] } = input as { signatures?: readonly { signature: string }[] };
  const signed = signatures.map(({ signature }) => signature);
  const rotation = [rotation_signers.join(), signed.join()];
  const set = [alias, String(number), maintainers.join(), String(min_signers), ...rotation];
  return [["maintainers", ...set, at(time)]];
}

/** As PostgreSQL writes the seconds of a time: six digits after the point. */
const seconds = (time_ms: number): string => (time_ms / 1000).toFixed(6);
const at = (time: string): string => seconds(Date.parse(time));
