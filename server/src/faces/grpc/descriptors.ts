import { createFileRegistry, type DescMessage, type FileRegistry } from "@bufbuild/protobuf";
import { type FileDescriptorProto, file_google_protobuf_struct } from "@bufbuild/protobuf/wkt";
import type { Operation } from "#pipeline";
import { type Api, apiOf, PACKAGE } from "./api.ts";
import { descriptorOf, STRUCT_FILE } from "./descriptor.ts";
import lock from "./field-numbers.json" with { type: "json" };
import { numbered } from "./numbers.ts";

/** The API with its descriptors, made once for a list of operations. */
export interface Described {
  readonly api: Api;
  readonly file: FileDescriptorProto;
  readonly registry: FileRegistry;
  /** `sealbase.v1.Refusal`. */
  readonly refusal: DescMessage;
}

const made = new WeakMap<readonly Operation[], Described>();

export function describedOf(operations: readonly Operation[]): Described {
  let found = made.get(operations);
  if (found === undefined) made.set(operations, (found = describe(operations)));
  return found;
}

function describe(operations: readonly Operation[]): Described {
  const api = apiOf(operations);
  const file = descriptorOf(api, numbered(api.messages, lock));
  const registry = createFileRegistry(file, (name) =>
    name === STRUCT_FILE ? file_google_protobuf_struct : undefined,
  );
  return { api, file, registry, refusal: registry.getMessage(`${PACKAGE}.Refusal`)! };
}
