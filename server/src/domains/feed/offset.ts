/** A place between events: all of the entries before `index` were seen, and of this one the events up to `ordinal`. */
export interface Offset {
  readonly index: number;
  readonly ordinal: number;
}

export const OFFSET = /^(0|[1-9]\d{0,14})\.(0|[1-9]\d{0,5})$/;

export const formatOffset = ({ index, ordinal }: Offset): string => `${index}.${ordinal}`;

export function parseOffset(text: string): Offset {
  const [, index, ordinal] = OFFSET.exec(text)!;
  return { index: Number(index), ordinal: Number(ordinal) };
}

export const isAfter = (a: Offset, b: Offset): boolean =>
  a.index > b.index || (a.index === b.index && a.ordinal > b.ordinal);
