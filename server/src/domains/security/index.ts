/** The door of security: keys that logs sign with. It has no operations yet. */
export { createLogKey, logVerifierKeys, openLogSigner } from "./log-keys.ts";
