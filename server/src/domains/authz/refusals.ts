import { Refusal } from "#kernel/refusal.ts";
import type { Malformed } from "./engine/index.ts";

export const decisionMissing = (id: string) =>
  new Refusal(
    "action/decision_missing",
    404,
    "This project has no such decision",
    { id },
    "List decisions with GET /v1/decisions; reads appear within a second.",
  );

export const setMissing = (set: string) =>
  new Refusal(
    "action/set_missing",
    404,
    "This project has no such policy set",
    { set },
    "List sets with GET /v1/policies; a set begins with its first version, POST /v1/policies/{set}/versions.",
  );

export const versionMissing = (set: string, number: number) =>
  new Refusal(
    "action/version_missing",
    404,
    "This policy set has no such version",
    { set, number },
    "List its versions with GET /v1/policies/{set}/versions.",
  );

export const noPolicies = (set: string) =>
  new Refusal(
    "action/no_policies",
    404,
    "This policy set has no active version",
    { set },
    "List sets with GET /v1/policies; create a version with POST /v1/policies/{set}/versions, validate and activate it.",
  );

export const baseMoved = (set: string, base: number, active: number) =>
  new Refusal(
    "action/base_moved",
    409,
    "Another version was activated since the one that this is based on",
    { set, base, active },
    "Read the active version, bring its changes into yours, and give its number as base.",
  );

export const notValidated = (set: string, number: number, status: string) =>
  new Refusal(
    "action/version_not_validated",
    409,
    status === "active" ? "This version is active already" : "This version was not validated",
    { set, number, status },
    status === "active"
      ? "Activate another version, or leave it."
      : "Send POST /v1/policies/{set}/versions/{number}/validate and correct what it finds.",
  );

export const tooManySets = (sets: number) =>
  new Refusal(
    "action/too_many_sets",
    409,
    "This project has as many policy sets as a project may have",
    { sets },
    "Use one of them.",
  );

export const oneOfTextAndDocument = (given: readonly string[]) =>
  new Refusal(
    "action/text_or_document",
    400,
    "Policies are given as text or as document: exactly one of them, and links only with a text",
    { given: [...given] },
    "Send text (Cedar) or document (Cedar's JSON form).",
  );

export const malformedQuestion = ({ at, message, help }: Malformed) =>
  new Refusal(
    "action/malformed_question",
    400,
    `The question cannot be asked: ${message}`,
    { at },
    help,
  );
