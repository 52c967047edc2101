import { renderGraphiQL } from "@graphql-yoga/render-graphiql";

/** Nothing from elsewhere: the page has everything in it, and asks only the server that it came from. */
export const POLICY = [
  "default-src 'none'",
  "connect-src 'self'",
  "font-src data:",
  "frame-ancestors 'none'",
  "img-src data:",
  "script-src 'unsafe-inline' 'unsafe-eval' blob:",
  "style-src 'unsafe-inline'",
  "worker-src blob:",
].join("; ");

export const graphiqlPage = (): string =>
  renderGraphiQL({
    title: "Sealbase GraphiQL",
    endpoint: "/graphql",
    subscriptionsProtocol: "SSE",
    headers: JSON.stringify({ Authorization: "Bearer sk_…" }, null, 2),
  });
