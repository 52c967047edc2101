import { Refusal } from "#kernel/refusal.ts";

// The three that the reference names say so in their facts, in its spelling.

export const aliasSigInvalid = (alias: string, reason: string) =>
  new Refusal(
    "action/alias_sig_invalid",
    400,
    "A signature about this alias does not hold",
    { reference: "ALIAS_SIG_INVALID", alias, reason },
    "Sign the message that server/src/domains/registries/README.md names, with the key that the reason names.",
  );

export const aliasSeqReplay = (alias: string, seq: number, highest: number) =>
  new Refusal(
    "action/alias_seq_replay",
    409,
    "The alias has this sequence number or a greater one already",
    { reference: "ALIAS_SEQ_REPLAY", alias, seq, highest },
    "Sign a record with a greater seq: GET /v1/alias-records lists what is there.",
  );

export const aliasRotationConflict = (alias: string, number: number, current: number) =>
  new Refusal(
    "action/alias_rotation_conflict",
    409,
    "The maintainers of this alias have changed",
    { reference: "ALIAS_ROTATION_CONFLICT", alias, number, current },
    "Get the current set with GET /v1/alias-maintainers, and sign for that.",
  );

export const aliasMissing = (alias: string) =>
  new Refusal(
    "action/alias_missing",
    404,
    "This project has no such alias",
    { alias },
    "List the project's aliases with GET /v1/aliases, or begin one with POST /v1/aliases.",
  );

export const aliasUnresolved = (alias: string, reason: "no final record" | "expired") =>
  new Refusal(
    "action/alias_unresolved",
    404,
    "The alias names no node now",
    { alias, reason },
    "Submit a record with a newer ts and have it endorsed: POST /v1/alias-records.",
  );

export const aliasTaken = (alias: string, current: number) =>
  new Refusal(
    "action/alias_taken",
    409,
    "The alias has maintainers already",
    { alias, current },
    "Only its maintainers hand it over: POST /v1/alias-maintainers.",
  );

export const aliasTsRefused = (alias: string, ts: number, earliest: number, latest: number) =>
  new Refusal(
    "action/alias_ts_refused",
    400,
    "The record was signed more than 365 days ago, or in the future",
    { alias, ts, earliest, latest },
    "Sign the record again with the present time, in seconds since 1970.",
  );

export const aliasRecordMissing = (id: string) =>
  new Refusal(
    "action/alias_record_missing",
    404,
    "This project has no such alias record",
    { id },
    "List an alias's records with GET /v1/alias-records.",
  );

export const recordMalformed = (what: string, reason: string) =>
  new Refusal(
    "action/record_malformed",
    400,
    "These bytes are not the deterministic CBOR of such a record",
    { what, reason },
    "Encode exactly the fields of the record as RFC 8949 section 4.2.1 says, and send the bytes in hex.",
  );

export const endorsedAlready = (id: string, endorser: string) =>
  new Refusal(
    "action/endorsed_already",
    409,
    "This key has endorsed the record already",
    { id, endorser },
    "Nothing: an endorsement counts once.",
  );

export const registrySigInvalid = (id: string, reason: string) =>
  new Refusal(
    "action/registry_sig_invalid",
    400,
    "The endorsement of this payment record does not hold",
    { id, reason },
    'Sign SHA-256("BN-REG", record) with the key of an endorser that the record counts.',
  );

export const paymentRecordMissing = (id: string) =>
  new Refusal(
    "action/payment_record_missing",
    404,
    "This project has no such payment record",
    { id },
    "List them with GET /v1/payment-records.",
  );

export const paymentRecordConflict = (number: number, expected: number, previous: string | null) =>
  new Refusal(
    "action/payment_record_conflict",
    409,
    "The record does not go on from where the payment registry is",
    { number, expected_number: expected, expected_previous: previous },
    "Make the record with the expected number and the hash of the record in force as previous.",
  );

export const paymentRecordClosed = (id: string, number: number, in_force: number) =>
  new Refusal(
    "action/payment_record_closed",
    409,
    "Another record came into force since this one was published",
    { id, number, in_force },
    "Publish a record that names the one in force as previous.",
  );

export const keysetMissing = (id: string) =>
  new Refusal(
    "action/voucher_keyset_missing",
    404,
    "This project has no such voucher keyset",
    { id },
    "Announce it with POST /v1/voucher-keysets; the list is GET /v1/voucher-keysets.",
  );

export const keysetTaken = (id: string) =>
  new Refusal(
    "action/voucher_keyset_taken",
    409,
    "A keyset of these public keys was announced already",
    { id },
    "Use that one, or make new keys.",
  );

export const keysetConflict = (id: string, status: string) =>
  new Refusal(
    "action/voucher_keyset_conflict",
    409,
    "The keyset goes from announced to active to retired, and not back",
    { id, status },
    "Announce another keyset.",
  );

export const keysetNotInForce = (id: string, in_force: string | null) =>
  new Refusal(
    "action/voucher_keyset_not_in_force",
    409,
    "The payment registry's record in force is not about this keyset",
    { id, in_force },
    "Publish a record that names it, and have it endorsed: POST /v1/payment-records.",
  );

export const keysetCurveDiffers = (id: string, curve: string, announced: string) =>
  new Refusal(
    "action/voucher_keyset_curve",
    400,
    "The keyset was announced for another curve than the record names",
    { id, curve, announced },
    "Name the curve that the keyset was announced for.",
  );

export const forwardingSigInvalid = (relay: string, reason: string) =>
  new Refusal(
    "action/forwarding_sig_invalid",
    400,
    "The relay's signature does not hold",
    { relay, reason },
    'Sign SHA-256("BN-ACCOUNT", record) with the key whose hash begins with the relay\'s id.',
  );

export const forwardingPeriodTaken = (relay: string, start: number, end: number) =>
  new Refusal(
    "action/forwarding_period_taken",
    409,
    "The relay has accounted for a part of this period already",
    { relay, start, end },
    "Account for every moment once: look with GET /v1/forwarding.",
  );

export const forwardingPeriodOpen = (relay: string, end: number, latest: number) =>
  new Refusal(
    "action/forwarding_period_open",
    400,
    "The period has not ended yet",
    { relay, end, latest },
    "Account for it when it is over.",
  );
