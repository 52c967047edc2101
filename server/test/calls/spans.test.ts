import { AsyncLocalStorage } from "node:async_hooks";
import {
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openTestSystem, payment, type TestSystem } from "../system.ts";

const exporter = new InMemorySpanExporter();
let system: TestSystem;
beforeAll(async () => {
  context.setGlobalContextManager(contexts());
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  system = await openTestSystem();
});
afterAll(async () => {
  trace.disable();
  context.disable();
  await system.stop();
});
beforeEach(() => exporter.reset());

const names = () => {
  const spans = exporter.getFinishedSpans();
  const root = spans.find(({ name }) => name.includes("."))!;
  const id = root.spanContext().spanId;
  const children = spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === id);
  return { root: root.name, steps: children.map(({ name, status }) => `${name} ${status.code}`) };
};

test("a call is a span, and each of its five steps is one under it", async () => {
  await system.home.call("POST", "/v1/risk/transactions", payment());
  expect(names()).toEqual({
    root: "risk.transaction.assess",
    steps: ["request 0", "policy 0", "score 0", "action 0", "seal 0"],
  });
});

test("a refusal marks the step that refused, and is sealed", async () => {
  const dear = payment({ amount_cents: 1_000_000_001 });
  await system.home.call("POST", "/v1/risk/transactions", dear);
  expect(names().steps).toEqual(["request 0", "policy 2", "seal 0"]);
});

/** The part of a context manager that a call needs: what is active follows its awaits. */
function contexts(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, self, ...rest) =>
      storage.run(active, () => work.call(self as never, ...rest)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
