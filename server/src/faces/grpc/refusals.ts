import { Refusal } from "#kernel/refusal.ts";
import { MESSAGE_BYTES_MAX } from "./limits.ts";

export const tooLarge = () =>
  new Refusal(
    "request/too_large",
    413,
    "The message is larger than 1 MiB",
    { bytes_max: MESSAGE_BYTES_MAX },
    "Send less in one call.",
  );

export const badMessage = (reason: string) =>
  new Refusal(
    "request/bad_message",
    400,
    "The message cannot be read",
    { reason: reason.slice(0, 500) },
    "Encode it by contract/api.proto; a google.protobuf.Value has one kind, and no NaN or infinity.",
  );

export const unknownMethod = (path: string) =>
  new Refusal(
    "request/unknown_method",
    404,
    "There is no such method",
    { path: path.slice(0, 200) },
    "Take a method of contract/api.proto, or ask the server by reflection.",
  );

export const tooSlow = () =>
  new Refusal(
    "request/too_slow",
    408,
    "The request did not come whole in time",
    {},
    "Send it again.",
  );

export const stopping = () =>
  new Refusal(
    "request/stopping",
    503,
    "The server stops",
    {},
    "Connect again, and go on after the last item that you have.",
  );

export const notHttp2 = () =>
  new Refusal(
    "request/not_http2",
    505,
    "This port speaks gRPC over HTTP/2 only",
    {},
    "Use REST, Connect and gRPC-Web on the HTTP port; for TLS, set SEALBASE_TLS_CERT and SEALBASE_TLS_KEY.",
  );
