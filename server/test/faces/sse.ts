export interface SentEvent {
  readonly event: string | undefined;
  readonly data: string;
}

/** Server-sent events of an answer that has ended. */
export const eventsOf = (text: string): SentEvent[] =>
  text
    .split("\n\n")
    .map((frame) => {
      const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, "m").exec(frame)?.[1];
      return { event: field("event"), data: field("data") ?? "" };
    })
    .filter(({ data }) => data !== "");
