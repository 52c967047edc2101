import { WebSocket } from "ws";
import type { Answer, Face } from "./face.ts";

/** Streams by WebSocket. */
export const realtime = (url: string): Face => ({
  name: "WebSocket",
  home: "realtime",
  kinds: ["stream"],
  call: ({ name: operation }, input, { key }, requestId) =>
    new Promise<Answer>((resolve, reject) => {
      const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
      const socket = new WebSocket(`${url.replace("http:", "ws:")}/v1/realtime`, { headers });
      const items: unknown[] = [];
      let callId: string | undefined;
      const end = (answer: Answer) => {
        socket.close();
        resolve(answer);
      };
      socket.on("error", reject);
      socket.on("open", () => {
        const frame = { type: "subscribe", id: "1", operation, input, request_id: requestId };
        socket.send(JSON.stringify(frame));
      });
      socket.on("message", (data: Buffer) => {
        const frame = JSON.parse(data.toString());
        if (frame.type === "subscribed") callId = frame.call;
        if (frame.type === "event") items.push(frame.event);
        if (frame.type === "ended") end({ output: items, callId });
        if (frame.type === "refused") end({ code: frame.problem.code, callId });
      });
    }),
});
