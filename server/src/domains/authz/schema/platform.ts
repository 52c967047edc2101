import type { SchemaJson } from "../cedar/schemas.ts";
import platform from "./platform.json" with { type: "json" };

/** The schema of the platform's own operations; generated from their list, as `contract/schema.cedarschema` is. */
export const PLATFORM_SCHEMA: SchemaJson = platform;
