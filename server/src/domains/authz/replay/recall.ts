import { hash } from "node:crypto";
import type { EntityFacts, Question } from "#pipeline";
import { parseJson } from "#verifier";
import { EntityRef, type Request, recordOf } from "../engine/index.ts";
import type { Posed } from "../policy.ts";
import { actionText, requestOf } from "../question.ts";
import type { Recorded } from "./queries.ts";

/** What a decision knew, read from its slice once for all the decisions that share it. */
export interface Known {
  /** SHA-256 of the slice as it is stored now, hex. */
  readonly sliceHash: string;
  readonly principal: Question["principal"];
  readonly action: Question["action"];
  readonly entities: readonly EntityFacts[];
  /** False: it is gone, or was edited so that it says nothing. */
  readonly isReadable: boolean;
  /** With a resource and a context of nothing. */
  readonly request: Request;
  /** Characters of the slice. */
  readonly length: number;
}

/** Stands in for a slice that is gone or cannot be read. Its hash is no stored one, so nothing agrees with it. */
const GONE = '{"action":{"groups":[],"id":""},"principal":{"groups":[],"id":"","type":""}}';

/** Reads a slice; undefined when it is gone. */
export function knownOf(slice: string | undefined): Known {
  if (slice === undefined) return { ...readKnown(GONE), isReadable: false };
  try {
    return readKnown(slice);
  } catch {
    // An edited slice shows as a disagreement: its own hash is another one.
    return { ...readKnown(GONE), sliceHash: hash("sha256", slice), isReadable: false };
  }
}

function readKnown(slice: string): Known {
  const { principal, action, entities = [] } = parseJson(slice) as Question;
  const question = { principal, action, entities, resource: { type: "", id: "" }, context: {} };
  return {
    sliceHash: hash("sha256", slice),
    principal,
    action,
    entities,
    isReadable: true,
    request: requestOf(question),
    length: slice.length,
  };
}

/** A recorded question, to be decided again: its texts are those that are stored, its values what they say. */
export function recall(recorded: Recorded, known: Known): Posed {
  const { resource_type: type, resource_id: id, context } = recorded;
  return {
    request: {
      ...known.request,
      resource: new EntityRef(type, id),
      context: contextOf(context),
    },
    principal: `${known.principal.type}:${known.principal.id}`,
    action: actionText(known.action),
    resource: { type, id },
    context,
    sliceHash: known.sliceHash,
  };
}

/** An edited context that is none is not what was hashed, and so shows as a disagreement. */
function contextOf(text: string): Request["context"] {
  try {
    return recordOf(parseJson(text), "context");
  } catch {
    return new Map();
  }
}
