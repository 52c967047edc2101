import { z } from "zod";

/**
 * A voucher in hex: keyset id (32 bytes), secret (32), aggregate signature (64). It is money for whoever has it, so nothing but the
 * keyset's id gets past the reading of the input: what is decided, sealed, traced or logged of the call never had the rest.
 */
export const voucher = z
  .string()
  .regex(/^[0-9a-f]{256}$/, "128 bytes in lower-case hex")
  .meta({ examples: ["00".repeat(128)] })
  .describe("128 bytes in hex: keyset id, secret, aggregate signature; never kept")
  .transform((text) => ({ keyset_id: text.slice(0, 64) }));
