import * as cedar from "@cedar-policy/cedar-wasm/nodejs";
import { shallow, shallowSet } from "./shallow.ts";
import type { Statement } from "./statements.ts";

/**
 * What the worker can be asked; loaded nowhere else. Each call is a function of its arguments, which are plain data.
 * An answer with `errors` is about the input; what is thrown ends the worker.
 */
export const CALLS = {
  /** Each statement as EST, or why it is none; `count` is how many policies Cedar itself finds in the whole text. */
  parse(text: string, statements: readonly Statement[]) {
    const parsed = statements.map(({ text: one, template }) =>
      template ? cedar.templateToJson(one) : cedar.policyToJson(one),
    );
    const parts = parsed.some(({ type }) => type === "failure")
      ? null
      : cedar.policySetTextToParts(text);
    const count =
      parts?.type === "success" ? parts.policies.length + parts.policy_templates.length : null;
    return { parsed, count };
  },

  /** EST, one policy after the other, as text. */
  toText(policies: readonly { readonly est: unknown; readonly template: boolean }[]) {
    return policies.map(({ est, template }) => {
      const { flat } = shallow({ flat: est });
      return template
        ? cedar.templateToText(flat as cedar.Template)
        : cedar.policyToText(flat as cedar.Policy);
    });
  },

  /** Whether a whole set holds together: links, slots, ids. */
  checkSet: (set: unknown) => cedar.checkParsePolicySet(shallowSet(set) as cedar.PolicySet),

  format: (text: string) =>
    cedar.formatPolicies({ policyText: text, lineWidth: 100, indentWidth: 2 }),

  /** Strictly. Policies are EST or texts by id; positions are those in each text. */
  validate: (set: unknown, schema: unknown) =>
    cedar.validate({
      validationSettings: { mode: "strict" },
      schema: schema as cedar.Schema,
      policies: shallowSet(set) as cedar.PolicySet,
    }),

  version: () => cedar.getCedarVersion(),

  schemaToJson: (text: string) => cedar.schemaToJson(text),
  schemaToText: (schema: unknown) => cedar.schemaToText(schema as cedar.Schema),

  isAuthorized: (call: AuthorizationCall) =>
    cedar.isAuthorized({
      ...call,
      policies: shallowSet(call.policies),
    } as unknown as cedar.AuthorizationCall),
};

/** `cedar.AuthorizationCall` without its types of JSON, which data from elsewhere has not. */
export interface AuthorizationCall {
  readonly principal: { readonly type: string; readonly id: string };
  readonly action: { readonly type: string; readonly id: string };
  readonly resource: { readonly type: string; readonly id: string };
  readonly context: Readonly<Record<string, unknown>>;
  readonly schema?: unknown;
  readonly validateRequest?: boolean;
  readonly policies: unknown;
  readonly entities: readonly unknown[];
}

export type Calls = typeof CALLS;
