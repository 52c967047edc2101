import { createHash } from "node:crypto";
import {
  type DocumentNode,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
  parse,
  recommendedRules,
  specifiedRules,
  validate,
} from "graphql";
import { KEPT_CHARACTERS_MAX } from "./limits.ts";
import { type Fragments, fragmentsOf, measureDocument, measureText } from "./measure.ts";
import type { Parameters } from "./parameters.ts";
import { persistedQueryMismatch, persistedQueryMissing, unknownOperation } from "./refusals.ts";

/** A document that was found valid, and small enough. */
export interface Document {
  readonly text: string;
  readonly parsed: DocumentNode;
  readonly fragments: Fragments;
}

const RULES = [...recommendedRules, ...specifiedRules];
const ERRORS_MAX = 20;

/** Valid documents by the SHA-256 of their text, the ones used last: the parser's cache, and the persisted queries. */
export class Documents {
  readonly #kept = new Map<string, Document>();
  readonly #schema: GraphQLSchema;
  readonly #hideSuggestions: boolean;
  #characters = 0;

  constructor(schema: GraphQLSchema, hideSuggestions: boolean) {
    this.#schema = schema;
    this.#hideSuggestions = hideSuggestions;
  }

  /** Throws a refusal, or an AggregateError with all that is invalid. */
  find({ query, extensions }: Parameters): Document {
    const named = persistedHash(extensions["persistedQuery"]);
    if (query === undefined) {
      const kept = this.#use(named ?? "");
      if (kept === undefined) throw persistedQueryMissing();
      return kept;
    }
    const hash = createHash("sha256").update(query).digest("hex");
    if (named !== undefined && named !== hash) throw persistedQueryMismatch();
    return this.#use(hash) ?? this.#keep(hash, this.#read(query));
  }

  #read(text: string): Document {
    measureText(text);
    const parsed = parse(text);
    measureDocument(parsed);
    const options = { maxErrors: ERRORS_MAX, hideSuggestions: this.#hideSuggestions };
    const errors = validate(this.#schema, parsed, RULES, options);
    if (errors.length > 0) throw new AggregateError(errors);
    return { text, parsed, fragments: fragmentsOf(parsed) };
  }

  #use(hash: string): Document | undefined {
    const found = this.#kept.get(hash);
    if (found !== undefined) {
      this.#kept.delete(hash);
      this.#kept.set(hash, found);
    }
    return found;
  }

  #keep(hash: string, document: Document): Document {
    this.#kept.set(hash, document);
    this.#characters += document.text.length;
    for (const [oldest, { text }] of this.#kept) {
      if (this.#characters <= KEPT_CHARACTERS_MAX) break;
      this.#kept.delete(oldest);
      this.#characters -= text.length;
    }
    return document;
  }
}

/** As the protocol of automatic persisted queries has it. */
function persistedHash(given: unknown): string | undefined {
  if (given === undefined || given === null) return undefined;
  const { version, sha256Hash } = given as { version?: unknown; sha256Hash?: unknown };
  if (version !== 1 || typeof sha256Hash !== "string") throw persistedQueryMismatch();
  return sha256Hash;
}

export function operationOf(
  { parsed }: Document,
  { operationName }: Parameters,
): OperationDefinitionNode {
  const operation = getOperationAST(parsed, operationName);
  if (operation === null || operation === undefined) throw unknownOperation();
  return operation;
}
