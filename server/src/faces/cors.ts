import cors from "@fastify/cors";
import type { FastifyInstance } from "fastify";

const PREFLIGHT_S = 600;

/** Headers of an answer that pages may read beside its body. */
const EXPOSED = [
  "ETag",
  "Grpc-Message",
  "Grpc-Status",
  "Grpc-Status-Details-Bin",
  "Idempotency-Replayed",
  "Link",
  "Location",
  "Retry-After",
  "Sealbase-Call",
  "Sealbase-Code",
  "Sealbase-Entry",
  "Server-Timing",
  "X-Request-Id",
];

/**
 * Lets pages of these origins call from a browser. Keys travel in a header, never in a cookie, so a page of another
 * origin can do nothing in its visitor's name; without origins there is nothing to allow.
 */
export function allowOrigins(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return;
  void app.register(cors, {
    origin: [...origins],
    credentials: false,
    exposedHeaders: EXPOSED,
    methods: ["GET", "POST", "PATCH", "DELETE"],
    maxAge: PREFLIGHT_S,
    strictPreflight: false,
  });
}
