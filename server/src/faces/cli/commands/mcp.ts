import { readConfig } from "#kernel/config.ts";
import type { Run } from "../command.ts";
import { keyOf } from "../credentials.ts";
import { EXIT } from "../exit.ts";
import { withSession } from "../session.ts";
import { untilStopped } from "../until-stopped.ts";

/** MCP over standard input and output, for a host that starts its servers itself. Ends when the host closes our input. */
export const mcp: Run = (command) =>
  withSession(command, async ({ system: { parts, operations } }) => {
    const [{ openCatalog }, { serveOverStdio }] = await Promise.all([
      import("../../mcp/sealbase.ts"),
      import("../../mcp/stdio.ts"),
    ]);
    const stopping = new AbortController();
    void untilStopped().then(() => stopping.abort());
    const key = keyOf(command, readConfig());
    const streams = { input: process.stdin, output: process.stdout };
    await serveOverStdio(parts, openCatalog(parts, operations), key, streams, stopping.signal);
    return EXIT.done;
  });
