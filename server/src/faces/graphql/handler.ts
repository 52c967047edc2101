import { type ExecutionResult, execute, subscribe } from "graphql";
import { createYoga, type Plugin } from "graphql-yoga";
import type { Operation, Parts } from "#pipeline";
import { checkAccept, type Way } from "./admit.ts";
import type { Asking } from "./call.ts";
import type { Admitted } from "./face.ts";
import { type Face, openFace, shownResult, shownResults } from "./face.ts";
import type { Parameters } from "./parameters.ts";

/** One HTTP request, read. */
export interface Asked {
  readonly sealbase: Asking;
  readonly parameters: Parameters;
  readonly way: Way & { readonly accept: string };
}

type Carried = Asked & { admitted?: Admitted };

export interface Handler {
  readonly face: Face;
  answer(asked: Asked): Promise<Response>;
}

const PATH = "http://localhost/graphql";

/** GraphQL over HTTP: Yoga negotiates media types and statuses and writes events; the rest is ours. */
export function openHandler(
  parts: Parts,
  operations: readonly Operation[],
  development: boolean,
): Handler {
  const face = openFace(parts, operations, development);
  const yoga = createYoga<Carried>({
    schema: face.schema,
    plugins: [ours(face)],
    fetchAPI: { Request, Response, Headers, ReadableStream, TextEncoder },
    maskedErrors: false,
    parserAndValidationCache: false,
    batching: false,
    multipart: false,
    graphiql: false,
    landingPage: false,
    cors: false,
    logging: false,
  });
  return {
    face,
    async answer(asked) {
      const { method, accept } = asked.way;
      checkAccept(accept);
      // The body was read and checked already.
      return yoga.fetch(PATH, { method, headers: { accept } }, { ...asked });
    },
  };
}

function ours(face: Face): Plugin<Carried> {
  return {
    onRequestParse({ setRequestParser, serverContext }) {
      const { operationName, variables } = (serverContext as unknown as Carried).parameters;
      // Its text comes later: it may be kept here, and be asked for by its hash.
      setRequestParser(() => ({
        query: "",
        variables: { ...variables },
        ...(operationName === undefined ? {} : { operationName }),
      }));
    },
    async onParams({ context, params, setParams }) {
      const { sealbase, parameters, way } = context as Carried;
      const admitted = await face.admit(parameters, sealbase, way);
      (context as Carried).admitted = admitted;
      setParams({ ...params, query: admitted.document.text });
    },
    onParse({ context, setParsedDocument }) {
      setParsedDocument(context.admitted!.document.parsed);
    },
    onValidate({ setResult }) {
      setResult([]);
    },
    onExecute({ setExecuteFn }) {
      setExecuteFn((args) => execute({ ...args, hideSuggestions: face.hideSuggestions }));
    },
    onSubscribe({ setSubscribeFn }) {
      setSubscribeFn((args) => subscribe({ ...args, hideSuggestions: face.hideSuggestions }));
    },
    onResultProcess({ result, setResult, serverContext }) {
      const { sealbase } = serverContext as unknown as Carried;
      if (Symbol.asyncIterator in result)
        setResult(shownResults(result as AsyncIterable<ExecutionResult>, sealbase));
      else setResult(withStatus(shownResult(result as ExecutionResult, sealbase)));
    },
  };
}

/** What was not executed at all has the status of its refusal; Yoga keeps to itself what stands in `http`. */
function withStatus(result: ExecutionResult): ExecutionResult {
  if (result.data === undefined)
    for (const { extensions } of result.errors ?? [])
      extensions["http"] = { status: extensions["status"] as number, spec: true };
  return result;
}
