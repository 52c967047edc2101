import { Refusal } from "#kernel/refusal.ts";

export const dataInUse = (dir: string, pid: number) =>
  new Refusal(
    "config/witness_running",
    503,
    "Another process witnesses from this folder",
    { dir, pid },
    "Stop it, or give this one a folder and a key of its own with --data.",
  );

export const dataLost = (dir: string) =>
  new Refusal(
    "config/witness_forgot",
    503,
    "The folder has the witness's key, but not what was signed with it",
    { dir },
    "Never sign with this key again: start a witness with a new folder, and tell the logs its new key.",
  );

export const badName = (name: string) =>
  new Refusal(
    "config/bad_value",
    400,
    "The name of a witness holds no spaces and no plus",
    { name },
    "Name it as a URL without scheme, such as witness.example.com/w1.",
  );

export const badKeyFile = (file: string) =>
  new Refusal(
    "config/bad_witness_key",
    500,
    "The key of the witness cannot be read",
    { file },
    "Restore the file, or start a witness with a new folder.",
  );

export const otherName = (file: string, owner: string, name: string) =>
  new Refusal(
    "config/witness_renamed",
    400,
    "The key in this folder belongs to a witness of another name",
    { file, owner, name },
    "Give the name that the key was made for, or another folder with --data.",
  );

export const badLogs = (file: string, why: string) =>
  new Refusal(
    "config/bad_witness_logs",
    400,
    "The list of logs cannot be read",
    { file, why },
    "Write `log VKEY`, one a line, and `quorum none` at the end, as c2sp.org/tlog-policy says.",
  );

export const listenBusy = (host: string, port: number) =>
  new Refusal(
    "config/port_busy",
    503,
    `Something else listens on ${host}:${port}`,
    { host, port },
    "Stop it, or give another address with --listen.",
  );
