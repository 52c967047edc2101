import { Refusal } from "#kernel/refusal.ts";

export const badFrame = () =>
  new Refusal(
    "request/bad_frame",
    400,
    "A frame is not one that this socket knows",
    { types: ["hello", "subscribe", "unsubscribe"] },
    'Send JSON text such as {"type":"subscribe","id":"1","input":{"after":"0.0"}}.',
  );

export const idTaken = (id: string) =>
  new Refusal(
    "request/subscription_taken",
    409,
    "This socket has a subscription of that id",
    { id },
    "Give each subscription of a socket an id of its own.",
  );

export const notAStream = (operation: string) =>
  new Refusal(
    "request/not_a_stream",
    404,
    "No stream has this name",
    { operation },
    "Subscribe to an operation of kind stream: see /docs.",
  );

export const tooManySubscriptions = (max: number) =>
  new Refusal(
    "request/too_many_subscriptions",
    429,
    `A socket has at most ${max} subscriptions`,
    { subscriptions_max: max },
    "End one first, or name several channels in one subscription.",
  );

export const tooManySockets = (max: number) =>
  new Refusal(
    "request/too_many_sockets",
    503,
    `This server has ${max} realtime sockets already`,
    { sockets_max: max },
    "Connect again later, or to another server.",
  );

export const idle = () =>
  new Refusal(
    "request/idle_socket",
    408,
    "A realtime socket without a subscription is closed",
    {},
    "Subscribe within 20 seconds of connecting.",
  );
