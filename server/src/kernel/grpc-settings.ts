import { Refusal } from "./refusal.ts";

/** Where gRPC answers, and with which certificates. */
export interface GrpcSettings {
  readonly port: number;
  readonly tls?: TlsFiles;
}

/** PEM files. With `clientCa`, clients need a certificate that it signed. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly clientCa?: string;
}

/** Beside the HTTP port unless told: 7326, or any free one when that is any. `off` opens none. */
export function readGrpc(
  env: NodeJS.ProcessEnv,
  httpPort: number,
  integer: (name: string, text: string) => number,
): GrpcSettings | undefined {
  const beside = httpPort === 0 ? 0 : httpPort + 1;
  const text = env["SEALBASE_GRPC_PORT"] ?? String(beside);
  if (text === "off") return undefined;
  const port = integer("SEALBASE_GRPC_PORT", text);
  const tls = readTls(env);
  return tls === undefined ? { port } : { port, tls };
}

function readTls(env: NodeJS.ProcessEnv): TlsFiles | undefined {
  const [cert, key, clientCa] = ["CERT", "KEY", "CLIENT_CA"].map(
    (name) => env[`SEALBASE_TLS_${name}`],
  );
  if (cert !== undefined && key !== undefined)
    return clientCa === undefined ? { cert, key } : { cert, key, clientCa };
  if (cert === undefined && key === undefined && clientCa === undefined) return undefined;
  throw new Refusal(
    "config/half_tls",
    500,
    "TLS needs a certificate and its key",
    { cert: cert !== undefined, key: key !== undefined, client_ca: clientCa !== undefined },
    "Set SEALBASE_TLS_CERT and SEALBASE_TLS_KEY to PEM files, or neither of the three.",
  );
}
