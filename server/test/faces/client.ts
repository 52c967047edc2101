import { SealbaseClient, SealbaseRefusal } from "../../../sdk/src/index.ts";
import { camel, type Face, NOBODYS_KEY } from "./face.ts";
import { itemsOf } from "./items.ts";

type Given = Promise<{ readonly output: unknown; readonly meta: { readonly id: string } }>;
type Method = (input: object, options: object) => Given & AsyncIterable<unknown>;

/** The client's methods by the operations' names. */
export const sdk = (url: string): Face => ({
  name: "SDK",
  home: "sdk",
  async call({ name, kind }, input, { key = NOBODYS_KEY }, requestId) {
    const client = new SealbaseClient({ url, key, retries: 0 });
    const method = name
      .split(".")
      .map(camel)
      .reduce((at, word) => (at as Record<string, unknown>)[word], client.withMeta as unknown);
    const answer = (method as Method)(input, { requestId });
    try {
      if (kind === "stream") return { output: await itemsOf(answer), callId: undefined };
      const { output, meta } = await answer;
      return { output, callId: meta.id };
    } catch (error) {
      if (!(error instanceof SealbaseRefusal)) throw error;
      return { code: error.code, callId: undefined };
    }
  },
});
