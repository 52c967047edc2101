import { z } from "zod";
import {
  type Expression,
  excessOf,
  flawsOf,
  type Policy,
  type PolicySetJson,
} from "./engine/index.ts";

/** Cedar's JSON form of a policy set, as authors send it; `engine/limits.ts` says what of it may be how large. */
const name = z.string().min(1).max(200);
/** Of entity types and policies; without spaces, which the engine's own marks have. */
const policyId = z.string().regex(/^\S{1,200}$/);
const entity = z.strictObject({ type: name, id: z.string().max(200) });

const all = z.strictObject({ op: z.literal("All") });
const named = (op: "==" | "in") => z.strictObject({ op: z.literal(op), entity });
const is = z.strictObject({
  op: z.literal("is"),
  entity_type: name,
  in: z.strictObject({ entity }).optional(),
});
const action = z.union([
  all,
  named("=="),
  named("in"),
  z.strictObject({ op: z.literal("in"), entities: z.array(entity).max(100) }),
]);
const scope = z.union([all, named("=="), named("in"), is]);

const slotted = (slot: "?principal" | "?resource") => {
  const gap = z.strictObject({ slot: z.literal(slot) });
  return z.union([
    scope,
    z.strictObject({ op: z.literal("=="), ...gap.shape }),
    z.strictObject({ op: z.literal("in"), ...gap.shape }),
    z.strictObject({ op: z.literal("is"), entity_type: name, in: gap }),
  ]);
};

const expression = z
  .record(z.string(), z.json())
  .superRefine((node, context) => {
    for (const { path, message } of flawsOf(node))
      context.addIssue({ code: "custom", path: [...path], message, continue: false });
  })
  .meta({
    id: "PolicyExpression",
    description: "Cedar's JSON form of an expression: one key, its operator",
  })
  .transform((node) => node as unknown as Expression);

const rest = {
  effect: z.enum(["permit", "forbid"]),
  annotations: z.record(name, z.string().max(1_000)).optional(),
  action,
  conditions: z
    .array(z.strictObject({ kind: z.enum(["when", "unless"]), body: expression }))
    .max(20)
    .default([]),
};

const policy = z.strictObject({ ...rest, principal: scope, resource: scope });
const template = z.strictObject({
  ...rest,
  principal: slotted("?principal"),
  resource: slotted("?resource"),
});
const link = z.strictObject({
  templateId: policyId,
  newId: policyId,
  values: z.strictObject({ "?principal": entity.optional(), "?resource": entity.optional() }),
});

/** A document as an author may store it: what one decision by it costs in time is bounded; `trace-size.ts` bounds its trace. */
export const policyDocument = z
  .strictObject({
    staticPolicies: z.record(policyId, policy),
    templates: z.record(policyId, template).optional(),
    templateLinks: z.array(link).optional(),
  })
  .superRefine((document, context) => {
    const refuse = (message: string, path: readonly (string | number)[] = []) =>
      context.addIssue({ code: "custom", path: [...path], message });
    for (const { path, message } of excessOf(document)) refuse(message, path);
    for (const { path, message } of strayLinks(document)) refuse(message, path);
  });

/** Links to no template, with slots that it does not have or without those that it has, or with an id that is taken. */
function strayLinks({ staticPolicies, templates = {}, templateLinks = [] }: PolicySetJson) {
  const ids = new Set([...Object.keys(staticPolicies), ...Object.keys(templates)]);
  return templateLinks.flatMap(({ templateId, newId, values }, i) => {
    const path = ["templateLinks", i];
    const found = Object.hasOwn(templates, templateId) ? templates[templateId] : undefined;
    const flaws = [];
    if (found === undefined) flaws.push({ path, message: `there is no template ${templateId}` });
    else if (String(slotsOf(found)) !== String(Object.keys(values).sort()))
      flaws.push({
        path,
        message: `template ${templateId} has the slots ${slotsOf(found).join(" and ")}`,
      });
    if (ids.has(newId)) flaws.push({ path, message: `the id ${newId} is taken` });
    ids.add(newId);
    return flaws;
  });
}

const slotsOf = ({ principal, resource }: Policy): string[] =>
  [principal, resource].flatMap((scope) => {
    const within = scope.op === "is" ? scope.in : scope.op === "All" ? undefined : scope;
    return within?.slot ?? [];
  });
