import type { Crowd, Standing } from "./within.ts";

/** What one policy allowed in a window of decisions. */
export interface Usage {
  readonly policy: string;
  readonly action: string;
  readonly resourceType: string;
  readonly decisions: number;
  readonly principals: number;
  /** ISO 8601. */
  readonly first: string;
  readonly last: string;
}

/** What decisions found in the context under one name, where it was always of one kind. */
export interface Range {
  readonly policy: string;
  readonly action: string;
  readonly resourceType: string;
  readonly name: string;
  /** Of how many decisions of the usage. */
  readonly decisions: number;
  readonly values:
    | { readonly kind: "long"; readonly min: number; readonly max: number }
    | { readonly kind: "string"; readonly values: readonly string[] };
}

/** What was used in a window, and with what. */
export interface Used {
  readonly usage: readonly Usage[];
  readonly ranges: readonly Range[];
  readonly standings: readonly Standing[];
  readonly crowds: readonly Crowd[];
}
