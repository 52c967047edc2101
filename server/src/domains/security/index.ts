/** The door of security: keys that logs sign with, and secrets under the master key. It has no operations yet. */
export {
  checkLogKeys,
  createLogKey,
  exchangedKey,
  type LogKeyVersion,
  logKeyVersions,
  logVerifierKeys,
  openLogSigner,
  openPreviousLogSigner,
  rotateLogKey,
} from "./log-keys.ts";
export {
  ensureSecondKey,
  openSecondSigners,
  secondVerifierKeys,
  secondVerifiers,
} from "./second-keys.ts";
export { openSecret, sealSecret } from "./secret-box.ts";
