import type { Operation } from "#pipeline";
import type { Answer, Caller, Face, Input } from "./face.ts";
import { eventsOf } from "./sse.ts";

/** REST by fetch, each operation at its path. */
export const rest = (url: string): Face => ({
  name: "REST",
  home: "rest",
  async call(operation, input, { key }, requestId) {
    const answer = await fetch(...requestOf(url, operation, input, key, requestId));
    const callId = answer.headers.get("sealbase-call") ?? undefined;
    if (operation.kind === "stream" && answer.ok) return streamed(await answer.text(), callId);
    const body = (await answer.json()) as { code: string };
    return answer.ok ? { output: body, callId } : { code: body.code, callId };
  },
});

function requestOf(
  url: string,
  { rest: route, kind }: Operation,
  input: Input,
  key: Caller["key"],
  requestId: string,
): [string, RequestInit] {
  const [method, path] = route.split(" ") as [string, string];
  const left: Record<string, unknown> = { ...input };
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = encodeURIComponent(String(left[name]));
    delete left[name];
    return value;
  });
  const inBody = method === "POST" || method === "PATCH";
  const query = new URLSearchParams(
    Object.entries(inBody ? {} : left).map(([name, value]) => [name, String(value)]),
  );
  const headers = {
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    ...(inBody ? { "content-type": "application/json" } : {}),
    accept: kind === "stream" ? "text/event-stream" : "application/json",
    "x-request-id": requestId,
  };
  const body = inBody ? { body: JSON.stringify(left) } : {};
  return [`${url}${filled}?${query.toString()}`, { method, headers, ...body }];
}

function streamed(text: string, callId: string | undefined): Answer {
  const events = eventsOf(text);
  const refusal = events.find(({ event }) => event === "refusal");
  if (refusal !== undefined) return { code: JSON.parse(refusal.data).code, callId };
  const items = events.filter(({ event }) => event === undefined);
  return { output: items.map(({ data }) => JSON.parse(data)), callId };
}
