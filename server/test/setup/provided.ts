import type pg from "pg";

/** What a project's setup made, and its tests use. */
export type Provided = {
  readonly kind: "embedded" | "server";
  /** May do anything: tampers, counts rows, copies databases. */
  readonly admin: pg.ClientConfig;
  /** A migrated database that nobody connects to, to copy. */
  readonly template: string;
  /** Of the role `sealbase_server`, on the embedded engine. */
  readonly serverPassword: string;
  /** DATABASE_URL without its database, on a server. */
  readonly url: { readonly base: string; readonly query: string };
};

declare module "vitest" {
  interface ProvidedContext {
    engine: Provided;
  }
}
