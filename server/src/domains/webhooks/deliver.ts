import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { isIP } from "node:net";
import { type Handler, JobFailed } from "#domains/ops";
import { openSecret } from "#domains/security";
import type { Clock } from "#kernel/clock.ts";
import type { Db } from "#kernel/db.ts";
import { isPrivate, PRIVATE_TARGET, publicLookup } from "./address.ts";
import { isDisabled, readTarget, updateWebhook } from "./queries.ts";
import { signatureHeaders } from "./sign.ts";

/** The topic of jobs that deliver one event to one webhook. */
export const DELIVER = "webhook.deliver";

const ANSWER_MS = 15_000;
const RETRY_AFTER_MAX_S = 3_600;
const GONE = 410;
/** How often deliveries of a disabled webhook are looked at; enabling or deleting it makes them due at once. */
const HELD_MS = 600_000;

/** What a delivery job is about. */
export interface Delivery {
  readonly webhook_id: string;
  /** As it is sent: the same bytes at every attempt. */
  readonly body: string;
}

export interface Delivering {
  readonly db: Db;
  readonly clock: Clock;
  readonly masterKey: Uint8Array;
  /** Deliveries may go to private networks: for an installation inside of one, and to try things out. */
  readonly allowPrivate: boolean;
}

/** Deliveries of one webhook go one after the other. */
export const orderingKeyOf = ({ id }: { readonly id: string }): string => `webhook ${id}`;

/** What a webhook's secret is sealed for, so that it opens in its own row only. */
export const boundTo = (webhookId: string): string => `webhook/${webhookId}`;

/** The job `webhook.deliver`: 2xx is done, 410 ends the webhook, anything else is tried again. */
export const deliver =
  ({ db, clock, masterKey, allowPrivate }: Delivering): Handler =>
  async ({ id, tenantId, payload, signal }) => {
    const { webhook_id, body } = payload as Delivery;
    const target = await db.transaction({ role: "writer", tenantId }, (tx) =>
      readTarget(tx, webhook_id),
    );
    if (target === undefined) throw new JobFailed("the webhook was deleted", { final: true });
    if (!target.enabled)
      // Who enables it makes due what waits: between our look and our waiting it would be missed.
      throw new JobFailed("the webhook is disabled", {
        held: true,
        due: async (tx) => ((await isDisabled(tx, webhook_id)) ? HELD_MS : 0),
      });
    const secrets = [target.secret, ...(target.previous === null ? [] : [target.previous])].map(
      (sealed) => openSecret(masterKey, sealed, boundTo(webhook_id)),
    );
    const headers = {
      "content-type": "application/json",
      "user-agent": "Sealbase-Webhooks/1",
      ...signatureHeaders(id, Math.floor(clock() / 1000), body, secrets),
    };
    const { status, retryAfter_s } = await post(new URL(target.url), headers, body, {
      allowPrivate,
      signal,
    });
    if (status >= 200 && status < 300) return { result: { status } };
    if (status !== GONE)
      throw new JobFailed(
        `the address answered ${status}`,
        retryAfter_s === undefined ? {} : { after_ms: retryAfter_s * 1_000 },
      );
    return {
      result: { status },
      event: { kind: "webhook_gone", severity: "warning", facts: { webhook_id } },
      effect: async (tx) => {
        await updateWebhook(tx, webhook_id, { enabled: false });
      },
    };
  };

interface Answer {
  readonly status: number;
  readonly retryAfter_s: number | undefined;
}

/** Sends, and reads no more of the answer than its head. Redirects are not followed: they could lead anywhere. */
function post(
  url: URL,
  headers: Record<string, string>,
  body: string,
  { allowPrivate, signal }: { allowPrivate: boolean; signal: AbortSignal },
): Promise<Answer> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (!allowPrivate && isIP(host) !== 0 && isPrivate(host))
    return Promise.reject(new JobFailed(PRIVATE_TARGET));
  const request = url.protocol === "https:" ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: "POST",
        headers: { ...headers, "content-length": String(Buffer.byteLength(body)) },
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
        agent: false,
        ...(allowPrivate ? {} : { lookup: publicLookup }),
      },
      (answer) => {
        const { statusCode = 0, headers: given } = answer;
        answer.destroy();
        const seconds = Number(given["retry-after"]);
        const asked = Number.isFinite(seconds) && seconds > 0 && seconds <= RETRY_AFTER_MAX_S;
        resolve({ status: statusCode, retryAfter_s: asked ? seconds : undefined });
      },
    );
    sent.on("error", (error: NodeJS.ErrnoException) => {
      if (error instanceof JobFailed) return reject(error);
      const why = error.name === "TimeoutError" ? `no answer in ${ANSWER_MS} ms` : error.code;
      reject(new JobFailed(`the address could not be reached: ${why ?? error.name}`));
    });
    sent.end(body);
  });
}
