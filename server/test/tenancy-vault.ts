import { expect } from "vitest";
import type { Answer } from "./system.ts";

type Case = (theirs: { readonly sealed: string }) => {
  readonly path: string;
  readonly body?: unknown;
  readonly want: string | ((answer: Answer) => void);
};

/** What another project gets from the vault's operations, one for each. */
export const VAULT_TENANCY: Record<string, Case> = {
  "vault.verdict.seal": () => ({
    path: "/v1/vault/entries",
    body: { session_id: "mine" },
    want: ({ body }) => expect(body.sealed.sequence_number).toBe(1),
  }),
  "vault.verdict.read": () => ({
    path: "/v1/vault/read?session_id=their-session",
    want: "action/vault_missing",
  }),
  "vault.verdict.list": () => ({
    path: "/v1/vault/entries",
    want: ({ body }) => expect(body.entries).toEqual([]),
  }),
  "vault.verdict.query": () => ({
    path: "/v1/vault/query?verdict=SEAL",
    want: ({ body }) => expect(body.entries).toEqual([]),
  }),
  "vault.verdict.proof": () => ({
    path: "/v1/vault/proof?sequence=1",
    want: "action/vault_missing",
  }),
  "vault.chain.verify": () => ({
    path: "/v1/vault/verify",
    body: {},
    want: ({ body }) => expect(body.entries).toBe(0),
  }),
  "vault.legacy.import": ({ sealed }) => ({
    path: "/v1/vault/imports",
    // Everything is there already, in the first project only.
    body: {
      entries: 1,
      first_sequence: 1,
      last_sequence: 1,
      head_hash: sealed,
      merkle_root: sealed,
      checksum: sealed,
      files: [],
    },
    want: ({ body }) => expect(body.complete).toBe(false),
  }),
};
