import { AsyncLocalStorage } from "node:async_hooks";

const projects = new AsyncLocalStorage<string>();

/** Does work in a project's name, so that what it waits for is shared fairly with the others. */
export const inNameOf = <T>(tenantId: string, work: () => T): T => projects.run(tenantId, work);

/** Whose work this is; "" for the server's own. */
export const whose = (): string => projects.getStore() ?? "";
