import type { Caller } from "../system.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
export type Anything = any;

/** What a GraphQL request came back with. */
export interface GraphqlAnswer {
  readonly status: number;
  readonly data: Anything;
  readonly errors: Anything[];
  readonly codes: string[];
  readonly calls: Anything[];
  readonly headers: Record<string, string | undefined>;
}

export async function ask(
  caller: Caller,
  query: string,
  variables: object = {},
  headers: Record<string, string> = {},
): Promise<GraphqlAnswer> {
  return send(caller, { query, variables }, headers);
}

export async function send(
  caller: Caller,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<GraphqlAnswer> {
  const accept = "application/graphql-response+json";
  const answer = await caller.call("POST", "/graphql", body, { accept, ...headers });
  return {
    status: answer.status,
    data: answer.body?.data,
    errors: answer.body?.errors ?? [],
    codes: (answer.body?.errors ?? []).map((error: Anything) => error.extensions?.code),
    calls: answer.body?.extensions?.sealbase?.calls ?? [],
    headers: answer.headers,
  };
}
