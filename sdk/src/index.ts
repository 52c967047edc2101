/** The TypeScript client of Sealbase: `new SealbaseClient({ url, key })`. */
export { type ClientOptions, SealbaseClient } from "./client.ts";
export { SealbaseRefusal, SealbaseUnanswered, SealbaseUnverified } from "./errors.ts";
export type {
  Answer,
  CallOptions,
  Form,
  Meta,
  Method,
  Result,
  Stream,
  StreamOptions,
} from "./method.ts";
export type { Api, Json, Operations, RefusalCode } from "./operations.ts";
export { eachItem } from "./pages.ts";
export type { Verification, Verifier } from "./receipts.ts";
