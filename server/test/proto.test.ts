import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fromJson, toJson } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { printFile } from "../../scripts/generate-proto.ts";
import { describedOf } from "../src/faces/grpc/descriptors.ts";
import { operations } from "../src/main.ts";
import { buf } from "./grpc.ts";

const CONTRACT = join(import.meta.dirname, "../../contract");

const compiled = (): FileDescriptorProto => {
  const json = buf("build", "contract/api.proto", "--exclude-source-info", "-o", "-#format=json");
  const read = { ignoreUnknownFields: true };
  return fromJson(FileDescriptorSetSchema, JSON.parse(json), read).file.at(-1)!;
};

describe("contract/api.proto", () => {
  test("says what the server's descriptors say", () => {
    const { file } = describedOf(operations);
    const ours = toJson(FileDescriptorProtoSchema, file) as Record<string, unknown>;
    const theirs = toJson(FileDescriptorProtoSchema, compiled()) as Record<string, unknown>;
    expect({ ...theirs, name: "" }).toEqual({ ...ours, name: "" });
  });

  test("is found to differ when the text does", () => {
    const { file } = describedOf(operations);
    const text = readFileSync(join(CONTRACT, "api.proto"), "utf8");
    expect(printFile(file, new Map())).not.toBe(text);
  });

  test("keeps the compiler's rules of style, but for the names that are Cedar's", () => {
    const rules = { use: ["STANDARD"], except: ["PACKAGE_DIRECTORY_MATCH"] };
    const config = JSON.stringify({ version: "v2", lint: rules });
    const lint = () => buf("lint", "contract/api.proto", "--config", config);
    expect(lint).toThrow(/staticPolicies/);
    const cedars = "(staticPolicies|templates|templateLinks|templateId|newId)";
    const others = String.raw`api\.proto:\d+:\d+:(?!Field name "${cedars}")`;
    expect(lint).not.toThrow(new RegExp(others));
  });

  test("has the numbers that the lock gives", () => {
    const numbers = (file: string) => readFileSync(file, "utf8");
    expect(numbers(join(CONTRACT, "api.proto.lock.json"))).toBe(
      numbers(join(CONTRACT, "../server/src/faces/grpc/field-numbers.json")),
    );
  });
});
