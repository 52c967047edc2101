import type { Finding, Report } from "./report.ts";

export const FINDINGS_MAX = 20;

/** What a verification has found so far: the first of it whole, the rest counted. */
export class Findings {
  readonly all: Finding[] = [];
  more = 0;

  add(finding: Finding): void {
    // Without what nobody knows: JSON has no word for it.
    const { expected, found, ...told } = finding;
    const known = { ...told, ...(expected && { expected }), ...(found && { found }) };
    if (this.all.length < FINDINGS_MAX) this.all.push(known);
    else this.more++;
  }

  find(kind: string, at: number | null, message: string): void {
    this.add({ kind, at, message });
  }

  get told(): Pick<Report, "valid" | "first" | "findings" | "more_findings"> {
    const placed = this.all.filter(({ at }) => at !== null);
    return {
      valid: this.all.length === 0,
      first: placed.sort((a, b) => a.at! - b.at!)[0] ?? this.all[0] ?? null,
      findings: this.all,
      more_findings: this.more,
    };
  }
}
