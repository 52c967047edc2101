import type { Link } from "../cedar/policies.ts";

/** Policies to begin with: Cedar's text, what it needs, and two questions that it answers differently. */
export interface PolicyTemplate {
  readonly name: string;
  readonly title: string;
  /** What it does, and what to change in it. */
  readonly description: string;
  /** Policies, or templates whose slots links fill. */
  readonly text: string;
  /** Types and actions of one's own that it names, to be replaced by the project's; null: the platform's are enough. */
  readonly schema: string | null;
  readonly example: Example;
}

export interface Example {
  readonly links: readonly Link[];
  /** Cedar's JSON form of entities. */
  readonly entities: readonly Entity[];
  readonly allowed: Request;
  readonly denied: Request;
}

export interface Uid {
  readonly type: string;
  readonly id: string;
}

export interface Entity {
  readonly uid: Uid;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly parents: readonly Uid[];
}

export interface Request {
  readonly principal: Uid;
  readonly action: Uid;
  readonly resource: Uid;
  readonly context: Readonly<Record<string, unknown>>;
}

export const uid = (type: string, id: string): Uid => ({ type, id });

export const entity = (
  type: string,
  id: string,
  attrs: Entity["attrs"] = {},
  ...parents: Uid[]
): Entity => ({ uid: uid(type, id), attrs, parents });

/** An entity as the value of an attribute. */
export const ref = (type: string, id: string) => ({ __entity: uid(type, id) });

export const request = (
  principal: Uid,
  action: string,
  resource: Uid,
  context: Request["context"] = {},
): Request => ({ principal, action: uid("Action", action), resource, context });

/** Facts that the platform adds to the context of each of its calls; noon of a Friday unless told. */
export const facts = (
  more: { readonly auth?: object; readonly address?: string; readonly time?: string } = {},
) => ({
  auth: { method: "password", step_up: false, tier: "T1", ...more.auth },
  network:
    more.address === undefined ? {} : { address: { __extn: { fn: "ip", arg: more.address } } },
  time: { __extn: { fn: "datetime", arg: more.time ?? "2026-11-20T12:00:00Z" } },
});
