import type { SealedVerdict } from "#domains/vault";
import type { Entry } from "#verifier";
import { parseJson } from "#verifier";
import type { SealedPayload } from "../values.ts";
import type { Finding } from "./report.ts";

/**
 * What is wrong with the vault's rows of a call that sealed or imported; null when nothing is. The vault's own format cannot
 * tell that its end was cut off, or everything hashed again: the log can.
 */
export function vaultFinding(
  index: number,
  { action, outcome }: Entry,
  payload: SealedPayload,
  rows: readonly SealedVerdict[] = [],
): Finding | null {
  const sealed = outcome === "done" ? (SEALED[action]?.(payload) ?? []) : [];
  if (textOf(sealed) === textOf(rows)) return null;
  const message = `what entry ${index} put into the vault is not there as it was sealed`;
  return { kind: "vault_changed", at: index, message };
}

const SEALED: Readonly<Record<string, (payload: SealedPayload) => readonly SealedVerdict[]>> = {
  "vault.verdict.seal"({ outcome }) {
    const { sealed } = outcome!.output as {
      sealed: { sequence_number: number; entry_hash: string };
    };
    return [{ sequence: sealed.sequence_number, hash: sealed.entry_hash }];
  },
  "vault.legacy.import"({ request }) {
    const { files } = request!.input as { files: readonly { text: string }[] };
    return files.map(({ text }) => {
      const { sequence, entry_hash } = parseJson(text);
      return { sequence, hash: entry_hash };
    });
  },
};

const textOf = (verdicts: readonly SealedVerdict[]): string =>
  verdicts.map(({ sequence, hash }) => `${sequence} ${hash}`).join("\n");
