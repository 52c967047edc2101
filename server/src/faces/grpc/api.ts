import type { Operation } from "#pipeline";
import { type Json, jsonSchemaOf } from "../json-schema.ts";
import { type Message, messageOf, pascal, type Scope } from "./shape.ts";

export const PACKAGE = "sealbase.v1";
export const FILE = "sealbase/v1/api.proto";

/** One operation as a procedure. */
export interface Rpc {
  readonly name: string;
  readonly operation: Operation;
  readonly input: Message;
  readonly output: Message;
}

export interface Service {
  readonly name: string;
  readonly rpcs: readonly Rpc[];
}

/** The operation list as protobuf knows things: without numbers, which `numbers.ts` gives. */
export interface Api {
  readonly services: readonly Service[];
  readonly messages: readonly Message[];
}

export function apiOf(operations: readonly Operation[]): Api {
  const shared = new Map<string, Message>([["Refusal", refusalMessage()]]);
  const domainOf = ({ name }: Operation): string => name.split(".")[0]!;
  const services = [...new Set(operations.map(domainOf))].map((domain) => ({
    name: `${pascal(domain)}Service`,
    rpcs: operations
      .filter((operation) => domainOf(operation) === domain)
      .map((operation) => rpcOf(operation, shared)),
  }));
  const rpcs = services.flatMap((service) => service.rpcs);
  const messages = [...shared.values(), ...rpcs.flatMap(({ input, output }) => [input, output])];
  refuseTwins([...services, ...messages].map(({ name }) => name));
  return { services, messages };
}

/** A response repeats the fields of a named schema instead of wrapping it: the same JSON as on every face. */
function rpcOf(operation: Operation, shared: Map<string, Message>): Rpc {
  const [, noun, verb] = operation.name.split(".");
  const name = `${pascal(noun!)}${pascal(verb!)}`;
  const message = (suffix: string, io: Scope["io"]) => {
    const { schema, named } = jsonSchemaOf(operation[io], io);
    return messageOf(`${name}${suffix}`, resolved(schema, named), { io, schemas: named, shared });
  };
  return {
    name,
    operation,
    input: message("Request", "input"),
    output: message("Response", "output"),
  };
}

function resolved(schema: Json, named: Record<string, Json>): Json {
  const { $ref } = schema as { $ref?: string };
  return $ref === undefined ? schema : named[$ref.slice($ref.lastIndexOf("/") + 1)]!;
}

/** The detail that every refused call carries. */
function refusalMessage(): Message {
  const text = (description: string): Json => ({ type: "string", description });
  const schema: Json = {
    type: "object",
    properties: {
      code: text("step/what: request, policy, score, action or seal, and the reason"),
      message: text("What happened"),
      status: { type: "integer", description: "HTTP status of the same refusal" },
      facts: { type: "object", additionalProperties: {}, description: "With which values" },
      help: text("What to do"),
      request_id: text("The caller's own, or the one that was made"),
      call_id: text("Id of the call, once it was recorded"),
    },
    required: ["code", "message", "status", "facts", "help", "request_id"],
  };
  return messageOf("Refusal", schema, { io: "output", schemas: {}, shared: new Map() });
}

function refuseTwins(names: readonly string[]): void {
  const twin = names.find((name, at) => names.indexOf(name) !== at);
  if (twin !== undefined) throw new Error(`two things of the protobuf API are named ${twin}`);
}
