/** The door of the feed: what happens in projects, to whoever may see it. */
import { eventWatch } from "./operations/event-watch.ts";

export { CHANNELS } from "./events.ts";
export { isAfter, OFFSET, parseOffset } from "./offset.ts";
export { publishedSize, refuseOutside } from "./page.ts";
export { openFeed } from "./tail.ts";
export { visibleTo } from "./visible.ts";

export const operations = [eventWatch];
