import { createHmac, randomBytes } from "node:crypto";

const SECRET_BYTES = 32;
const PREFIX = "whsec_";

/** A secret in the form that receivers' libraries take: `whsec_` and base64. */
export const newSecret = (): Buffer => randomBytes(SECRET_BYTES);
export const formatSecret = (secret: Uint8Array): string =>
  `${PREFIX}${Buffer.from(secret).toString("base64")}`;

/**
 * The headers of a delivery (Standard Webhooks, standardwebhooks.com, "Signature scheme"): HMAC-SHA-256 over
 * `id.timestamp.body`, one signature a secret.
 */
export function signatureHeaders(
  id: string,
  time_s: number,
  body: string,
  secrets: readonly Uint8Array[],
): Record<string, string> {
  const signatures = secrets.map(
    (secret) =>
      `v1,${createHmac("sha256", secret).update(`${id}.${time_s}.${body}`).digest("base64")}`,
  );
  return {
    "webhook-id": id,
    "webhook-timestamp": String(time_s),
    "webhook-signature": signatures.join(" "),
  };
}
