import type { Ports, StreamCall } from "#pipeline";
import { isAfter, type Offset } from "./offset.ts";
import { offsetAhead, offsetArchived } from "./refusals.ts";
import { visibleTo } from "./visible.ts";

/** A reader hears at least this often, if only how far the log is: silence means that the connection is gone. */
export const HEARTBEAT_MS = 10_000;

export interface Following {
  /** Undefined: from now on. */
  readonly after: Offset | undefined;
  readonly channels: ReadonlySet<string>;
  /** Undefined: for ever. */
  readonly eventsMax: number | undefined;
}

export type Item = {
  readonly offset: string;
  readonly channel: string;
  readonly id: string | null;
  readonly time: string;
  readonly data: unknown;
};

/**
 * One reader's events, in order, each at least once. Nothing is queued: the next page is read when this one was taken,
 * so a slow reader costs no memory, and a head between its events tells it how far behind it is.
 */
export async function* follow(
  { feed, policy, clock }: Pick<Ports, "feed" | "policy" | "clock">,
  call: Pick<StreamCall<unknown>, "principal" | "principalAt" | "signal" | "address">,
  { after, channels, eventsMax = Number.POSITIVE_INFINITY }: Following,
): AsyncGenerator<Item> {
  const { signal, address } = call;
  const { tenantId } = call.principal;
  const head = (at: Offset, size: number): Item => ({
    offset: `${at.index}.${at.ordinal}`,
    channel: "head",
    id: null,
    time: new Date(clock()).toISOString(),
    data: { size, behind: size - at.index },
  });
  let last = after ?? { index: (await feed.read(tenantId, 0)).size, ordinal: 0 };
  let given = 0;
  let heard_ms = Number.NEGATIVE_INFINITY;
  while (!signal.aborted) {
    const count = feed.count(tenantId);
    const page = await feed.read(tenantId, last.index);
    if (last.index > page.size) throw offsetAhead(last.index, page.size);
    if (last.index < page.minimum) throw offsetArchived(last.index, page.minimum);
    const principal = await call.principalAt(page.revision);
    if (performance.now() - heard_ms >= HEARTBEAT_MS) {
      heard_ms = performance.now();
      yield head(last, page.size);
    }
    for (const { item, at } of await visibleTo(
      policy,
      { principal, address, time_ms: clock() },
      page,
    )) {
      if (!isAfter(at, last) || !channels.has(item.channel)) continue;
      if (signal.aborted) return;
      heard_ms = performance.now();
      yield item;
      if (++given >= eventsMax) return;
    }
    if (page.to > last.index) last = { index: page.to, ordinal: 0 };
    else await feed.wait(tenantId, count, heard_ms + HEARTBEAT_MS - performance.now(), signal);
  }
}
