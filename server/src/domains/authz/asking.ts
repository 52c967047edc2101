import { z } from "zod";
import type { Question } from "#pipeline";
import { Malformed, recordOf } from "./engine/index.ts";

const name = z.string().min(1).max(200);
const uid = z.strictObject({ type: name, id: name });

/** Values in Cedar's JSON form: no null, no fractions, entities and extension values as it writes them. */
const values = z.record(name, z.json()).superRefine((record, context) => {
  try {
    recordOf(record, "");
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const path = error.at.split(".").slice(1);
    context.addIssue({ code: "custom", path, message: `${error.message}. ${error.help}` });
  }
});

const entity = z
  .strictObject({
    uid,
    attrs: values.default({}),
    parents: z.array(uid).max(100).default([]),
    tags: values.default({}),
  })
  .meta({
    id: "EntityFacts",
    description: "What is known of one entity, as Cedar's JSON form has it",
  });

/** Input fields of whoever asks a question. */
export const asking = {
  principal: z.strictObject({ type: name, id: name, groups: z.array(name).max(100).default([]) }),
  action: name.describe("As the schema of the set declares it"),
  action_type: z
    .string()
    .regex(/^([A-Za-z_]\w*::){0,8}Action$/, "Action, within a namespace or none")
    .max(200)
    .default("Action")
    .meta({ examples: ["Action"] }),
  resource: uid,
  context: values
    .default({})
    .describe(
      "About an operation of the platform: as of a call now with the weakest sign-in, unless told",
    ),
  entities: z
    .array(entity)
    .max(1_000)
    .default([])
    .describe("What is known of principal, resource and what they lead to"),
  stored: z
    .boolean()
    .default(false)
    .describe(
      "Also by what the project keeps of them: POST /v1/resources, and its members' groups",
    ),
};

const asked = z.object(asking);

/** The question that they are. */
export function askedOf(input: Omit<z.output<typeof asked>, "stored">): Question {
  const { action: id, action_type: type, principal, resource, context, entities } = input;
  const action = { ...(type === "Action" ? {} : { type }), id, groups: [] };
  return { principal, action, resource, context, entities };
}
