import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** Bare sockets, each with one request under way: a full client costs more than the server. */
export const openSockets = (port: number, count: number): Promise<Socket[]> =>
  Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ host: "127.0.0.1", port, noDelay: true });
      socket.setEncoding("latin1");
      await once(socket, "connect");
      return socket;
    }),
  );

/** Sends a request of HTTP/1.1 and takes its whole answer, which has to begin and to contain what is expected. */
export function exchange(
  socket: Socket,
  request: string,
  expected: { readonly start: string; readonly part?: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    const finish = (error?: Error) => {
      socket.off("data", read).off("close", lost);
      if (error === undefined) resolve();
      else reject(error);
    };
    const lost = () => finish(new Error("the server closed the connection"));
    const read = (data: string) => {
      text += data;
      if (!isWhole(text)) return;
      const fits = text.startsWith(expected.start) && text.includes(expected.part ?? "");
      finish(fits ? undefined : new Error(`not the answer that was expected: ${text}`));
    };
    socket.on("data", read).on("close", lost);
    socket.write(request);
  });
}

/** JSON has no bare line ends, so an empty last chunk is found by its bytes. */
function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const length = /content-length: (\d+)/i.exec(text.slice(0, end))?.[1];
  return length === undefined
    ? text.endsWith("\r\n0\r\n\r\n")
    : text.length >= end + 4 + Number(length);
}
