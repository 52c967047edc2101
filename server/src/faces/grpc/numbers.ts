import type { Field, Message } from "./shape.ts";

/** What was ever given, by message: `contract/api.proto.lock.json`. */
export type Lock = Readonly<Record<string, LockedMessage>>;

interface LockedMessage {
  /** `"id": "1 string"`: the number, and the type that it was given for. Bytes of another type would be misread. */
  readonly fields: Readonly<Record<string, string>>;
  /** `"2": "slug string"`: numbers of fields that are gone, or have another type now. */
  readonly reserved?: Readonly<Record<string, string>>;
}

/** protobuf keeps these for itself. */
const KEPT = { from: 19_000, to: 19_999 };

/** The lock with numbers for what has none. Nothing that was given once is ever given to something else. */
export function numbered(messages: readonly Message[], lock: Lock): Lock {
  const now = messages
    .flatMap(withNested)
    .map((message) => [message.name, numberedMessage(message, lock[message.name])] as const);
  const all = { ...lock, ...Object.fromEntries(now) };
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export const withNested = (message: Message): Message[] => [
  message,
  ...message.nested.flatMap(withNested),
];

export const numberOf = ({ fields }: LockedMessage, name: string): number =>
  Number.parseInt(fields[name]!, 10);

/** Numbers and names that a message must not use again. */
export function reservedOf({ fields, reserved = {} }: LockedMessage): {
  numbers: number[];
  names: string[];
} {
  const names = new Set(Object.values(reserved).map((text) => text.split(" ", 1)[0]!));
  return {
    numbers: Object.keys(reserved).map(Number),
    names: [...names].filter((name) => fields[name] === undefined),
  };
}

function numberedMessage({ fields }: Message, locked: LockedMessage | undefined): LockedMessage {
  const before = Object.entries(locked?.fields ?? {}).map(([name, text]) => read(name, text));
  const reserved = { ...locked?.reserved };
  const types = new Map(fields.map((field) => [field.name, typeOf(field)]));
  const given = new Map<string, number>();
  for (const { name, number, type } of before) {
    if (types.get(name) === type) given.set(name, number);
    else reserved[number] = `${name} ${type}`;
  }
  let last = Math.max(0, ...given.values(), ...Object.keys(reserved).map(Number));
  for (const [name, type] of types) {
    if (given.has(name)) continue;
    const back = Object.keys(reserved).find((number) => reserved[number] === `${name} ${type}`);
    if (back === undefined)
      given.set(name, (last = last + 1 === KEPT.from ? KEPT.to + 1 : last + 1));
    else {
      given.set(name, Number(back));
      delete reserved[back];
    }
  }
  const inOrder = [...given].sort(([, a], [, b]) => a - b);
  const texts = inOrder.map(([name, number]) => [name, `${number} ${types.get(name)!}`]);
  return {
    fields: Object.fromEntries(texts),
    ...(Object.keys(reserved).length === 0 ? {} : { reserved }),
  };
}

function read(name: string, text: string): { name: string; number: number; type: string } {
  const space = text.indexOf(" ");
  return { name, number: Number(text.slice(0, space)), type: text.slice(space + 1) };
}

/** Presence is left out: a field may get or lose it with the same bytes. */
function typeOf({ shape, many }: Field): string {
  const one = shape.kind === "message" ? shape.message.name : shape.kind;
  return many === "one" ? one : `${many} of ${one}`;
}
