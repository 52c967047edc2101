/** The door of the feed: what happens in projects, to whoever may see it. */
import { eventWatch } from "./operations/event-watch.ts";

export { type OpenFeed, openFeed } from "./tail.ts";

export const operations = [eventWatch];
