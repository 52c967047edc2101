import { create, createFileRegistry, type FileRegistry } from "@bufbuild/protobuf";
import {
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

/** `3 string name`, `1 repeated bytes x`, `4 .pkg.Message x`, `1 map metadata`; a `|` before it puts it into the oneof. */
type FieldText = string;

interface FileText {
  readonly name: string;
  readonly package: string;
  readonly messages: Readonly<Record<string, readonly FieldText[]>>;
  readonly enums?: Readonly<Record<string, { in: string; values: readonly string[] }>>;
  /** `In Out`, `In stream Out`, `stream In stream Out`. */
  readonly services?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const SCALARS: Readonly<Record<string, Type>> = {
  string: Type.STRING,
  bytes: Type.BYTES,
  int32: Type.INT32,
};

/** The descriptors of a small proto file of others, written in a few words instead of compiled. */
export function fileOf(text: FileText): { proto: FileDescriptorProto; registry: FileRegistry } {
  const proto = create(FileDescriptorProtoSchema, {
    name: text.name,
    package: text.package,
    syntax: "proto3",
    messageType: Object.entries(text.messages).map(([name, fields]) =>
      messageOf(text, name, fields),
    ),
    service: Object.entries(text.services ?? {}).map(([name, methods]) => ({
      name,
      method: Object.entries(methods).map(([method, signature]) => {
        const [, inStream, input, outStream, output] = /^(stream )?(\w+) (stream )?(\w+)$/.exec(
          signature,
        )!;
        return {
          name: method,
          inputType: `.${text.package}.${input}`,
          outputType: `.${text.package}.${output}`,
          clientStreaming: inStream !== undefined,
          serverStreaming: outStream !== undefined,
        };
      }),
    })),
  });
  return { proto, registry: createFileRegistry(proto, () => undefined) };
}

function messageOf(text: FileText, name: string, fields: readonly FieldText[]) {
  const own = Object.entries(text.enums ?? {}).filter(([, { in: within }]) => within === name);
  const oneof = fields.some((field) => field.startsWith("|"));
  const maps = fields.filter((field) => / map /.test(field));
  return {
    name,
    field: fields.map((field) => fieldOf(text, name, field)),
    enumType: own.map(([name, { values }]) => ({
      name,
      value: values.map((name, number) => ({ name, number })),
    })),
    oneofDecl: oneof ? [{ name: "choice" }] : [],
    nestedType: maps.map((field) => ({
      name: entryOf(field),
      options: { mapEntry: true },
      field: ["key", "value"].map((name, at) => scalar(name, at + 1, Type.STRING)),
    })),
  };
}

function fieldOf(text: FileText, within: string, field: FieldText) {
  const [, chosen, number, repeated, type, name] = /^(\| ?)?(\d+) (repeated )?(\S+) (\w+)$/.exec(
    field,
  )!;
  const at = `.${text.package}.`;
  const made = scalar(name!, Number(number), SCALARS[type!] ?? Type.MESSAGE);
  if (repeated !== undefined || type === "map") made.label = Label.REPEATED;
  if (type === "map") return { ...made, typeName: `${at}${within}.${entryOf(field)}` };
  if (text.enums?.[type!] !== undefined)
    return { ...made, type: Type.ENUM, typeName: `${at}${within}.${type}` };
  return {
    ...made,
    ...(SCALARS[type!] === undefined ? { typeName: `${at}${type}` } : {}),
    ...(chosen === undefined ? {} : { oneofIndex: 0 }),
  };
}

const entryOf = (field: FieldText): string => {
  const name = field.slice(field.lastIndexOf(" ") + 1);
  return `${name.slice(0, 1).toUpperCase()}${name.slice(1)}Entry`;
};

const scalar = (name: string, number: number, type: Type) => ({
  name,
  number,
  type,
  label: Label.OPTIONAL as FieldDescriptorProto["label"],
});
