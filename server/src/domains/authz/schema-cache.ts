import type { Schema } from "./engine/index.ts";

const CACHED_MAX = 100;

/** A version whose schema is known by its content. */
interface Told {
  readonly id: string;
  /** SHA-256, hex. */
  readonly schemaHash: string;
}

/**
 * Schemas by content: projects that declare nothing of their own have one together. What fails is its project's own: each
 * reads its own row, and only what was found is everybody's.
 */
export class SchemaCache {
  readonly #load: (tenantId: string, version: Told) => Promise<Schema>;
  readonly #found = new Map<string, Schema>();
  /** By project and content. */
  readonly #loading = new Map<string, Promise<Schema>>();

  constructor(load: (tenantId: string, version: Told) => Promise<Schema>) {
    this.#load = load;
  }

  of(tenantId: string, version: Told): Schema | Promise<Schema> {
    const found = this.#found.get(version.schemaHash);
    if (found !== undefined) return found;
    const key = `${tenantId} ${version.schemaHash}`;
    let loading = this.#loading.get(key);
    if (loading === undefined) {
      loading = this.#keep(tenantId, version).finally(() => this.#loading.delete(key));
      this.#loading.set(key, loading);
    }
    return loading;
  }

  async #keep(tenantId: string, version: Told): Promise<Schema> {
    const schema = await this.#load(tenantId, version);
    if (this.#found.size >= CACHED_MAX) this.#found.clear();
    this.#found.set(version.schemaHash, schema);
    return schema;
  }
}
