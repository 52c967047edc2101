const texts = new WeakMap<object, string>();

/** A stream's item as JSON. It is made once, however many readers it goes to. */
export function itemText(item: object): string {
  let text = texts.get(item);
  if (text === undefined) texts.set(item, (text = JSON.stringify(item)));
  return text;
}
