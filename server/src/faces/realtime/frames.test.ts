import { expect, test } from "vitest";
import { itemFrame } from "./frames.ts";

const item = { offset: "41.1", channel: "entries", text: 'ä "quoted"' };

test.each(["1", 'a "name"', "ä"])("the frame of %s says whose item it is", (id) => {
  expect(JSON.parse(itemFrame(id, item).toString())).toEqual({ type: "event", id, event: item });
});

test("subscriptions of one name share the bytes of an item, others and other items do not", () => {
  const frame = itemFrame("1", item);
  expect(itemFrame("1", item)).toBe(frame);
  expect(itemFrame("2", item)).not.toEqual(frame);
  expect(itemFrame("1", { ...item })).not.toBe(frame);
});

test("frames of many names are made, and not kept", () => {
  const names = Array.from({ length: 100 }, (_, n) => `name ${n}`);
  const shared = names.filter((name) => itemFrame(name, item) === itemFrame(name, item));
  expect(shared.length).toBeLessThanOrEqual(16);
  expect(JSON.parse(itemFrame("name 99", item).toString()).id).toBe("name 99");
});
