import type { Operation } from "#pipeline";
import type { OpenSystem } from "../system.ts";

/** What commands are given of the parts that they may not import; loaded when asked for. */
export interface Program {
  readonly openSystem: OpenSystem;
  operations(): Promise<readonly Operation[]>;
}

/** One command, as the table lists it. */
export interface Command {
  readonly name: string;
  /** How it is called, after the name. */
  readonly usage: string;
  readonly summary: string;
  readonly options: Readonly<Record<string, Option>>;
  readonly operandsMin: number;
  readonly operandsMax: number;
  /** Prints for people even when its output is no terminal. */
  readonly alwaysText?: boolean;
  load(): Promise<Run>;
}

export interface Option {
  readonly help: string;
  /** What stands for its value; an option without one is a switch. */
  readonly value?: string;
  readonly multiple?: boolean;
}

export type Run = (call: CommandCall) => Promise<number>;

export interface CommandCall extends Program {
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly operands: readonly string[];
  readonly json: boolean;
}
