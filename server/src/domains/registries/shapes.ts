import { z } from "zod";
import { isEd25519Key } from "#verifier";
import { bytesOf } from "./digest.ts";

/** Bytes in lower-case hex, of one length. */
const hex = (bytes: number, example = "00".repeat(bytes)) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`), `${bytes} bytes in lower-case hex`)
    .meta({ examples: [example] });

/** A point of prime order (the base point, as an example). */
export const KEY = "5866666666666666666666666666666666666666666666666666666666666666";
export const publicKey = hex(32, KEY)
  .refine((key) => isEd25519Key(bytesOf(key)), "a public key of Ed25519 that is not weak")
  .describe("Ed25519 public key in hex");
export const signature = hex(64).describe("Ed25519 signature in hex");
export const node = hex(20).describe("First 20 bytes of SHA-256 of an Ed25519 public key, in hex");
export const keysetId = hex(32).describe("SHA-256 of the public keys in bytewise order, in hex");
/** A signed record as it was signed. */
export const record = z
  .string()
  .regex(/^(?:[0-9a-f]{2}){1,5000}$/, "up to 5,000 bytes in lower-case hex")
  .meta({ examples: ["a0"] })
  .describe("Deterministic CBOR (RFC 8949 section 4.2.1) in hex");
export const shownHex = z.string();
export const moment = z.iso.datetime();
