import type { Json } from "../json-schema.ts";

/** Codes by HTTP status. */
type ByStatus = Readonly<Record<string, readonly string[]>>;
export type RefusalsByOperation = Readonly<Record<string, ByStatus>>;

/** One answer a status, with the codes that this operation can be refused with; the same ones are kept once. */
export function refusedAnswers(byStatus: ByStatus, responses: Record<string, Json>): Json {
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, codes]) => {
      const description = `Refused: ${codes.join(", ")}.`;
      const same = ([name, response]: [string, Json]) =>
        name.startsWith(`Refused${status}`) && response["description"] === description;
      let name = Object.entries(responses).find(same)?.[0];
      if (name === undefined) {
        const others = Object.keys(responses).filter((one) => one.startsWith(`Refused${status}`));
        name = `Refused${status}${others.length === 0 ? "" : `_${others.length + 1}`}`;
        const code = { properties: { code: { enum: codes } } };
        const schema = { allOf: [{ $ref: "#/components/schemas/Problem" }, code] };
        responses[name] = { description, content: { "application/problem+json": { schema } } };
      }
      return [status, { $ref: `#/components/responses/${name}` }];
    }),
  );
}
