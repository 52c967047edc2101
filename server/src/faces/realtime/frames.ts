import { z } from "zod";
import { isRequestId } from "#pipeline";
import { itemText } from "../item-text.ts";
import type { Problem } from "../rest/problem.ts";

/** What a client may say on a realtime socket; one JSON text a frame. */
export const clientFrame = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("hello").describe("First, when the key could not be sent as a header"),
    key: z.string().max(200),
  }),
  z.strictObject({
    type: z.literal("subscribe"),
    /** The client's own name for the subscription; every frame about it carries it. */
    id: z.string().min(1).max(64),
    operation: z.string().max(200).default("feed.event.watch"),
    input: z.record(z.string(), z.json()).default({}),
    request_id: z.string().refine(isRequestId, "1 to 128 visible ASCII characters").optional(),
  }),
  z.strictObject({ type: z.literal("unsubscribe"), id: z.string().min(1).max(64) }),
]);

export type ClientFrame = z.output<typeof clientFrame>;

/** What the server says. `refused` without an id is about the socket as a whole, and closes it. */
export type ServerFrame =
  | { readonly type: "subscribed"; readonly id: string; readonly call: string }
  | { readonly type: "refused"; readonly id?: string; readonly problem: Problem }
  | { readonly type: "ended"; readonly id: string };

/** Subscriptions that share an item are mostly named alike; the frames of more names are made for each. */
const NAMES_MAX = 16;

const frames = new WeakMap<object, Map<string, Buffer>>();

/** The frame of one item: its bytes are made once, however many sockets they go to. */
export function itemFrame(id: string, item: object): Buffer {
  let named = frames.get(item);
  if (named === undefined) frames.set(item, (named = new Map()));
  let frame = named.get(id);
  if (frame === undefined) {
    const head = `{"type":"event","id":${JSON.stringify(id)},"event":`;
    frame = Buffer.from(`${head}${itemText(item)}}`);
    if (named.size < NAMES_MAX) named.set(id, frame);
  }
  return frame;
}
