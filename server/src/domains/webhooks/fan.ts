import { isAfter, parseOffset, visibleTo } from "#domains/feed";
import { enqueue } from "#domains/ops";
import type { Tx } from "#kernel/db.ts";
import { Refusal } from "#kernel/refusal.ts";
import type { FeedEvent, FeedPage, Ports, Principal } from "#pipeline";
import { DELIVER, type Delivery, orderingKeyOf } from "./deliver.ts";
import {
  countOpen,
  lockWebhooks,
  readTenantsToTell,
  type StoredWebhook,
  updateWebhook,
} from "./queries.ts";

const POLL_MS = 2_000;
/** Deliveries of one webhook that wait; when there are more, its position stays where it is until some are done. */
const OPEN_MAX = 1_000;

export interface FanParts extends Pick<Ports, "db" | "feed" | "policy" | "log" | "clock"> {
  readonly principalOfAccount: (tx: Tx, id: string) => Promise<Principal | undefined>;
}

/** Turns events into deliveries, for all projects that have webhooks. Any server may; a webhook's row lets one at a time. */
export class Fan {
  readonly #parts: FanParts;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;

  constructor(parts: FanParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.wake(), POLL_MS).unref();
    this.wake();
  }

  /** A log has grown. */
  wake(): void {
    if (this.#timer === undefined || this.#stopped) return;
    this.#again = true;
    this.#running ??= this.#run()
      .catch((error) => this.#parts.log.error({ err: error }, "webhooks could not be told"))
      .finally(() => {
        this.#running = undefined;
        if (this.#again) this.wake();
      });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#stopped) {
      this.#again = false;
      const tenants = await this.#parts.db.transaction(
        { role: "writer", tenantId: null },
        readTenantsToTell,
      );
      for (const tenantId of tenants)
        if ((await this.#tryToTell(tenantId)) && !this.#stopped) this.#again = true;
    }
  }

  /** A project whose policies decide nothing is told later, from where it was; the others do not wait for it. */
  async #tryToTell(tenantId: string): Promise<boolean> {
    try {
      return await this.#tell(tenantId);
    } catch (error) {
      if (!(error instanceof Refusal) || error.step !== "policy") throw error;
      this.#parts.log.warn({ tenantId, code: error.code }, "webhooks of a project wait");
      return false;
    }
  }

  /** Writes the next deliveries of a project's webhooks; true when there is more to tell. */
  async #tell(tenantId: string): Promise<boolean> {
    return this.#parts.db.transaction({ role: "writer", tenantId }, async (tx) => {
      let more = false;
      for (const webhook of await lockWebhooks(tx)) {
        if ((await countOpen(tx, orderingKeyOf(webhook))) >= OPEN_MAX) continue;
        const principal = await this.#parts.principalOfAccount(tx, webhook.serviceAccountId);
        if (principal === undefined) {
          await updateWebhook(tx, webhook.id, { enabled: false });
          continue;
        }
        const page = await this.#parts.feed.read(tenantId, parseOffset(webhook.position).index);
        // What it was not told of before it was archived it is not told of any more.
        const to = Math.max(page.to, page.minimum);
        for (const { item } of await this.#due(principal, webhook, page)) {
          const body = JSON.stringify({
            type: `sealbase.${item.channel}`,
            timestamp: item.time,
            data: item,
          });
          await enqueue(tx, tenantId, {
            topic: DELIVER,
            payload: { webhook_id: webhook.id, body } satisfies Delivery,
            orderingKey: orderingKeyOf(webhook),
            createdBy: webhook.createdBy,
          });
        }
        await updateWebhook(tx, webhook.id, { position: `${to}.0` });
        more ||= to < page.size;
      }
      return more;
    });
  }

  async #due(
    principal: Principal,
    { position, channels }: StoredWebhook,
    page: FeedPage,
  ): Promise<readonly FeedEvent[]> {
    const last = parseOffset(position);
    const visible = await visibleTo(
      this.#parts.policy,
      { principal, address: undefined, time_ms: this.#parts.clock() },
      page,
    );
    return visible.filter(
      ({ at, item }) => isAfter(at, last) && channels.includes(item.channel) && !isDelivery(item),
    );
  }
}

/** What came of a delivery is not delivered: it would never end. */
const isDelivery = ({ data }: FeedEvent["item"]): boolean =>
  (data as { action?: unknown } | null)?.action === DELIVER;
