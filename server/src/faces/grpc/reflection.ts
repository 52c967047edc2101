import { create, type Message as Proto, toBinary } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  file_google_protobuf_struct,
} from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import type { Described } from "./descriptors.ts";
import { health } from "./health.ts";
import { QUESTION_BYTES_MAX, QUESTIONS_MAX } from "./limits.ts";
import { addMethod } from "./method.ts";
import { fileOf } from "./proto.ts";

/** grpc/reflection/v1/reflection.proto (grpc-proto); v1alpha is the same under its older name. */
export const reflection = (version: "v1" | "v1alpha") =>
  fileOf({
    name: `grpc/reflection/${version}/reflection.proto`,
    package: `grpc.reflection.${version}`,
    messages: {
      ServerReflectionRequest: [
        "1 string host",
        "| 3 string file_by_filename",
        "| 4 string file_containing_symbol",
        "| 5 ExtensionRequest file_containing_extension",
        "| 6 string all_extension_numbers_of_type",
        "| 7 string list_services",
      ],
      ExtensionRequest: ["1 string containing_type", "2 int32 extension_number"],
      ServerReflectionResponse: [
        "1 string valid_host",
        "2 ServerReflectionRequest original_request",
        "| 4 FileDescriptorResponse file_descriptor_response",
        "| 5 ExtensionNumberResponse all_extension_numbers_response",
        "| 6 ListServiceResponse list_services_response",
        "| 7 ErrorResponse error_response",
      ],
      FileDescriptorResponse: ["1 repeated bytes file_descriptor_proto"],
      ExtensionNumberResponse: ["1 string base_type_name", "2 repeated int32 extension_number"],
      ListServiceResponse: ["1 repeated ServiceResponse service"],
      ServiceResponse: ["1 string name"],
      ErrorResponse: ["1 int32 error_code", "2 string error_message"],
    },
    services: {
      ServerReflection: {
        ServerReflectionInfo: "stream ServerReflectionRequest stream ServerReflectionResponse",
      },
    },
  });

/** Tells tools such as grpcurl what there is, so that they need no file of ours. Public, as `/openapi.json` is. */
export function addReflection(router: ConnectRouter, described: Described): void {
  const own = (["v1", "v1alpha"] as const).map((version) => ({ version, ...reflection(version) }));
  const files = [
    described.file,
    file_google_protobuf_struct.proto,
    health.proto,
    ...own.map(({ proto }) => proto),
  ];
  const known = knownIn(files);
  for (const { version, registry } of own) {
    const service = registry.getService(`grpc.reflection.${version}.ServerReflection`)!;
    const [method] = service.methods;
    addMethod(
      router,
      method!,
      async function* (questions: AsyncIterable<Question>) {
        let count = 0;
        for await (const question of questions) {
          if (++count > QUESTIONS_MAX) throw tooMany();
          yield create(method!.output, {
            validHost: question.host,
            originalRequest: question,
            choice: answerOf(known, question),
          });
        }
      },
      { readMaxBytes: QUESTION_BYTES_MAX },
    );
  }
}

type Question = Proto & {
  readonly host: string;
  readonly choice: { readonly case: string | undefined; readonly value?: unknown };
};

interface Known {
  readonly services: readonly string[];
  /** Each file with those that it needs, as bytes, by its name. */
  readonly byName: ReadonlyMap<string, readonly Uint8Array[]>;
  readonly bySymbol: ReadonlyMap<string, string>;
}

function knownIn(files: readonly FileDescriptorProto[]): Known {
  const bytes = new Map(
    files.map((file) => [file.name, toBinary(FileDescriptorProtoSchema, file)] as const),
  );
  const services = files.flatMap((file) =>
    file.service.map(({ name }) => `${file.package}.${name}`),
  );
  return {
    services: services.toSorted(),
    byName: new Map(
      files.map(({ name, dependency }) => [
        name,
        [name, ...dependency].map((one) => bytes.get(one)!),
      ]),
    ),
    bySymbol: new Map(files.flatMap((file) => symbolsOf(file).map((name) => [name, file.name]))),
  };
}

interface Named {
  readonly name: string;
  readonly nestedType: readonly Named[];
  readonly enumType: readonly { readonly name: string }[];
  readonly field: readonly { readonly name: string }[];
}

/** Every full name that a file defines: services, methods, messages, their fields and enums. */
function symbolsOf(file: FileDescriptorProto): string[] {
  const inMessage =
    (at: string) =>
    (message: Named): string[] => {
      const name = `${at}.${message.name}`;
      const own = [...message.field, ...message.enumType].map((one) => `${name}.${one.name}`);
      return [name, ...own, ...message.nestedType.flatMap(inMessage(name))];
    };
  return [
    ...file.messageType.flatMap(inMessage(file.package)),
    ...file.enumType.map(({ name }) => `${file.package}.${name}`),
    ...file.service.flatMap(({ name, method }) => {
      const service = `${file.package}.${name}`;
      return [service, ...method.map((one) => `${service}.${one.name}`)];
    }),
  ];
}

/** No file of ours has extensions: that question is always answered with an error. */
function answerOf({ services, byName, bySymbol }: Known, { choice }: Question): object {
  const asked = String(choice.value);
  if (choice.case === "listServices")
    return { case: "listServicesResponse", value: { service: services.map((name) => ({ name })) } };
  const file = choice.case === "fileContainingSymbol" ? bySymbol.get(asked) : asked;
  const found = choice.case?.startsWith("file") === true ? byName.get(file ?? "") : undefined;
  return found === undefined
    ? notFound(choice.case === undefined ? "No question" : `Not here: ${asked.slice(0, 200)}`)
    : { case: "fileDescriptorResponse", value: { fileDescriptorProto: found } };
}

const notFound = (errorMessage: string): object => ({
  case: "errorResponse",
  value: { errorCode: Code.NotFound, errorMessage },
});

const tooMany = () =>
  new ConnectError(`A stream takes ${QUESTIONS_MAX} questions`, Code.ResourceExhausted);
