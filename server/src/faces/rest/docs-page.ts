import { version } from "#kernel/package-root.ts";
import type { Operation } from "#pipeline";

/** The page for people at /docs: every operation in one table, and how a call is made. */
export function docsPage(operations: readonly Operation[]): string {
  const rows = operations.map(({ name, rest, summary, kind }) => {
    const [method, path] = rest.split(" ");
    return `<tr id="${escape(name)}"><td><code>${method}</code><td><code>${escape(path!)}</code><td>${escape(summary)}<td><code>${escape(name)}</code><td>${kind}`;
  });
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sealbase ${version}</title>
<style>
  :root { color-scheme: light dark }
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
  code, pre { font: 0.9em ui-monospace, monospace }
  pre { padding: 1rem; overflow-x: auto; border: 1px solid #8885; border-radius: 6px }
  table { border-collapse: collapse; width: 100% }
  th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.75rem 0.35rem 0; border-bottom: 1px solid #8884 }
</style>
<h1>Sealbase</h1>
<p>Every call becomes one chain: request → policy → score → action → seal. Its id finds all of it:
<code>GET /v1/decisions/{id}/why</code>.</p>
<pre>curl -s http://HOST/v1/risk/transactions \\
  -H "Authorization: Bearer $SEALBASE_KEY" -H "Content-Type: application/json" -H "Idempotency-Key: $(uuidgen)" \\
  -d '{"type":"TRANSFER","amount_cents":25000,"origin_account":"A","destination_account":"B"}'</pre>
<p>Writes wait until a signed checkpoint covers them; <code>Prefer: wait=durable</code> answers as soon as they are on disk.
A refusal is <code>application/problem+json</code> with <code>code</code>, <code>facts</code> and <code>help</code>; the first word of
the code is the step that refused. Machine-readable: <a href="/openapi.json">/openapi.json</a>.</p>
<table>
<thead><tr><th>Method<th>Path<th>What it does<th>Operation<th>Kind</thead>
<tbody>
${rows.join("\n")}
</tbody>
</table>
</html>
`;
}

const escape = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
