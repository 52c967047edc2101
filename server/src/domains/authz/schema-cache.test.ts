import { describe, expect, test } from "vitest";
import { Schema } from "./engine/index.ts";
import { SchemaCache } from "./schema-cache.ts";

/** A cache with loads that the test ends, in the order in which they began. */
function opened() {
  const loads: { tenantId: string; done: (schema: Schema) => void; fail: (why: Error) => void }[] =
    [];
  const cache = new SchemaCache(
    (tenantId) =>
      new Promise((done, fail) => {
        loads.push({ tenantId, done, fail });
      }),
  );
  return { cache, loads };
}

const version = { id: "v", schemaHash: "h" };
const schema = new Schema({});

describe("schemas by content", () => {
  test("that one project does not have fail for it alone, whoever asks at the same time", async () => {
    const { cache, loads } = opened();
    const [mine, theirs] = [cache.of("mine", version), cache.of("theirs", version)];
    expect(loads.map(({ tenantId }) => tenantId)).toEqual(["mine", "theirs"]);
    loads[0]!.fail(new Error("gone"));
    await expect(mine).rejects.toThrow("gone");
    loads[1]!.done(schema);
    expect(await theirs).toBe(schema);
  });

  test("are read once for all who ask at once, and then by nobody", async () => {
    const { cache, loads } = opened();
    const both = [cache.of("mine", version), cache.of("mine", version)];
    loads[0]!.done(schema);
    expect([await both[0], await both[1]]).toEqual([schema, schema]);
    expect(cache.of("theirs", version)).toBe(schema);
    expect(loads).toHaveLength(1);
  });

  test("that could not be read are read again", async () => {
    const { cache, loads } = opened();
    const first = cache.of("mine", version);
    loads[0]!.fail(new Error("gone"));
    await expect(first).rejects.toThrow("gone");
    const second = cache.of("mine", version);
    loads[1]!.done(schema);
    expect(await second).toBe(schema);
  });
});
