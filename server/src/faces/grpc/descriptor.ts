import { create } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  type FieldDescriptorProto,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import { type Api, FILE, PACKAGE } from "./api.ts";
import { type Lock, numberOf, reservedOf } from "./numbers.ts";
import { type Field, type Message, pascal } from "./shape.ts";

export const STRUCT_FILE = "google/protobuf/struct.proto";

const TYPES = {
  string: [Type.STRING],
  bool: [Type.BOOL],
  int64: [Type.INT64],
  double: [Type.DOUBLE],
  value: [Type.MESSAGE, ".google.protobuf.Value"],
  struct: [Type.MESSAGE, ".google.protobuf.Struct"],
} as const;

/** The API as a compiler would describe it, from the list and the numbers alone. */
export function descriptorOf({ services, messages }: Api, lock: Lock): FileDescriptorProto {
  return create(FileDescriptorProtoSchema, {
    name: FILE,
    package: PACKAGE,
    syntax: "proto3",
    dependency: [STRUCT_FILE],
    messageType: messages.map((message) => messageProto(message, lock)),
    service: services.map(({ name, rpcs }) => ({
      name,
      method: rpcs.map((rpc) => ({
        name: rpc.name,
        inputType: `.${PACKAGE}.${rpc.input.name}`,
        outputType: `.${PACKAGE}.${rpc.output.name}`,
        ...(rpc.operation.kind === "stream" ? { serverStreaming: true } : {}),
      })),
    })),
  });
}

function messageProto(message: Message, lock: Lock): DescriptorProto {
  const locked = lock[message.name]!;
  const reserved = reservedOf(locked);
  const { union } = message;
  const inOrder = message.fields.toSorted(
    (a, b) => numberOf(locked, a.name) - numberOf(locked, b.name),
  );
  const withPresence = inOrder.filter(({ presence }) => presence);
  return create(DescriptorProtoSchema, {
    name: message.name.slice(message.name.lastIndexOf(".") + 1),
    field: inOrder.map((field) => {
      const at = withPresence.indexOf(field);
      const proto = fieldProto(field, message, numberOf(locked, field.name));
      if (union !== undefined) proto.oneofIndex = 0;
      if (at === -1) return proto;
      // What `optional` is made of: a oneof of its own.
      return Object.assign(proto, { proto3Optional: true, oneofIndex: at });
    }),
    nestedType: [
      ...message.nested.map((nested) => messageProto(nested, lock)),
      ...inOrder.filter(({ many }) => many === "map").map((field) => entryProto(field)),
    ],
    oneofDecl:
      union === undefined
        ? withPresence.map(({ name }) => ({ name: `_${name}` }))
        : [{ name: union }],
    reservedRange: reserved.numbers.map((start) => ({ start, end: start + 1 })),
    reservedName: reserved.names,
  });
}

function fieldProto(field: Field, within: Message, number: number): FieldDescriptorProto {
  const { name, many } = field;
  const [type, typeName] =
    many === "map"
      ? [Type.MESSAGE, `.${PACKAGE}.${within.name}.${entryName(name)}`]
      : typeOf(field);
  return create(FieldDescriptorProtoSchema, {
    name,
    number,
    type,
    label: many === "one" ? Label.OPTIONAL : Label.REPEATED,
    jsonName: jsonNameOf(name),
    ...(typeName === undefined ? {} : { typeName }),
  });
}

function typeOf({ shape }: Field): readonly [Type, string?] {
  if (shape.kind === "message") return [Type.MESSAGE, `.${PACKAGE}.${shape.message.name}`];
  return TYPES[shape.kind];
}

/** A map is a list of messages with a key and a value. */
function entryProto(field: Field): DescriptorProto {
  const [type, typeName] = typeOf(field);
  const part = (name: string, number: number, type: Type, typeName?: string) => ({
    name,
    number,
    type,
    label: Label.OPTIONAL,
    jsonName: name,
    ...(typeName === undefined ? {} : { typeName }),
  });
  return create(DescriptorProtoSchema, {
    name: entryName(field.name),
    field: [part("key", 1, Type.STRING), part("value", 2, type, typeName)],
    options: { mapEntry: true },
  });
}

const entryName = (name: string): string => `${pascal(name)}Entry`;

/** As the protobuf compiler makes them. */
const jsonNameOf = (name: string): string =>
  name.replace(/_+(.?)/g, (_, next: string) => next.toUpperCase());
