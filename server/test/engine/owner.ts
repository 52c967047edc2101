import { type EmbeddedOptions, startEmbedded } from "#kernel/embedded.ts";

/** Owns an engine with the options given as JSON until it is killed; prints what came of it. */
const options = JSON.parse(process.argv[2] as string) as EmbeddedOptions;
try {
  const { admin, pid } = await startEmbedded(options);
  console.log(JSON.stringify({ admin, pid }));
  setInterval(() => undefined, 1_000);
} catch (error) {
  const { code, facts } = error as { code: string; facts: object };
  console.log(JSON.stringify({ code, facts }));
}
