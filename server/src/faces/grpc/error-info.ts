import { fileOf } from "./proto.ts";

/** google/rpc/error_details.proto (googleapis), the one message of it that we send. */
const { registry } = fileOf({
  name: "google/rpc/error_details.proto",
  package: "google.rpc",
  messages: { ErrorInfo: ["1 string reason", "2 string domain", "3 map metadata"] },
});

export const errorInfo = registry.getMessage("google.rpc.ErrorInfo")!;
