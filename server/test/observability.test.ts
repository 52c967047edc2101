import { execFileSync, spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openMetrics } from "#kernel/metrics.ts";
import { ATTRIBUTES, CONVENTIONS } from "#kernel/telemetry-export-names.ts";

const DEPLOY = join(import.meta.dirname, "../../deploy");
const RULES = ["recording-rules.yml", "alerts.yml"];

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { name: string; type: string; query: string }[] };
}

const read = (file: string): string => readFileSync(join(DEPLOY, file), "utf8");
const dashboards = globSync("grafana/*.json", { cwd: DEPLOY }).map(
  (file) => [file, JSON.parse(read(file)) as Dashboard] as const,
);

/** Every name that /metrics shows, and those that rules make of them. */
const shown = new Set(["up", ...recorded(), ...linesOfRegistry()]);

function linesOfRegistry(): string[] {
  return openMetrics()
    .registry.getMetricsAsArray()
    .flatMap(({ name, type }) =>
      (type as unknown as string) === "histogram"
        ? ["bucket", "sum", "count"].map((suffix) => `${name}_${suffix}`)
        : [name],
    );
}

function recorded(): string[] {
  return [...read("prometheus/recording-rules.yml").matchAll(/- record: (\S+)/g)].map(
    ([, name]) => name!,
  );
}

/** Metrics that PromQL asks for: what is left of it without labels, windows, groupings, functions and operators. */
function namesIn(expression: string): string[] {
  const bare = expression
    .replace(/"[^"]*"/g, "")
    .replace(/\{[^}]*\}|\[[^\]]*\]/g, " ")
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, " ");
  const words = bare.match(/(?<![\w:.])[a-zA-Z_:][\w:]*(?![\w:]*\s*\()/g) ?? [];
  return words.filter((word) => !["or", "and", "unless", "bool"].includes(word));
}

/** The expressions of a rules file: on the line of `expr:`, or in the indented lines after it. */
const expressionsOf = (text: string): string[] =>
  [...text.matchAll(/^( *)expr: (?:>-\n((?:\1 +.*\n)+)|(.*))/gm)].map(
    ([, , block, line]) => block ?? line!,
  );

describe("names of metrics", () => {
  test("are read out of PromQL", () => {
    const expression = `histogram_quantile(0.9, sum by (le, a) (rate(a_bucket{b="c_d", e=~"f"}[5m]))) / on (x) b:c:d > 400e6 or vector(0)`;
    expect(namesIn(expression)).toEqual(["a_bucket", "b:c:d"]);
    expect(expressionsOf("    expr: a\n    expr: >-\n      b\n      c\n    for: 1m\n")).toEqual([
      "a",
      "      b\n      c\n",
    ]);
  });

  test.each(dashboards)("in %s are those of /metrics", (_, { panels, templating }) => {
    const asked = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    const variables = templating.list.flatMap(
      ({ query }) => /^label_values\((\w+),/.exec(query)?.[1] ?? [],
    );
    expect(asked.length).toBeGreaterThan(5);
    const names = [...asked.flatMap(namesIn), ...variables];
    expect(names.filter((name) => !shown.has(name))).toEqual([]);
  });

  test.each(RULES)("in %s too", (file) => {
    const names = expressionsOf(read(`prometheus/${file}`)).flatMap(namesIn);
    expect(names.length).toBeGreaterThan(3);
    expect(names.filter((name) => !shown.has(name))).toEqual([]);
  });

  test("of conventions stand for metrics and labels that there are", () => {
    const metrics = openMetrics().registry.getMetricsAsArray() as unknown as {
      name: string;
      labelNames: string[];
    }[];
    const names = metrics.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(Object.keys(CONVENTIONS)));
    const labels = metrics.flatMap(({ labelNames }) => labelNames);
    expect(labels).toEqual(expect.arrayContaining(Object.keys(ATTRIBUTES)));
  });
});

describe.each(dashboards)("%s", (file, { uid, panels, templating }) => {
  test("has panels that are told apart, and asks the data source that is chosen", () => {
    expect(`grafana/${uid.replace("sealbase-", "")}.json`).toBe(file);
    const ids = panels.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const [chosen] = templating.list;
    expect([chosen!.name, chosen!.type, chosen!.query]).toEqual([
      "datasource",
      "datasource",
      "prometheus",
    ]);
    const asked = [...read(file).matchAll(/"uid": "(.*)"/g)].map(([, source]) => source);
    expect(new Set(asked)).toEqual(new Set([uid, "${datasource}"]));
    expect(panels.filter(({ type, title }) => type === "" || title === "")).toEqual([]);
  });
});

describe("Prometheus", () => {
  const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;
  const promtool = (...args: string[]): string =>
    execFileSync("promtool", args, {
      cwd: join(DEPLOY, "prometheus"),
      encoding: "utf8",
      stdio: "pipe",
    });

  test("every alert is tried, where it is to be heard and where it is to be silent", () => {
    const alerts = [...read("prometheus/alerts.yml").matchAll(/- alert: (\w+)/g)];
    const tries = read("prometheus/rules.test.yml");
    expect(alerts.length).toBeGreaterThan(5);
    for (const [, name] of alerts) {
      expect(tries).toMatch(new RegExp(`alertname: ${name} \\}`));
      expect(tries).toMatch(new RegExp(`alertname: ${name}\\n +exp_alerts:`));
    }
  });

  test.skipIf(!hasPromtool)("takes configuration and rules", () => {
    expect(promtool("check", "config", "prometheus.yml")).toContain("SUCCESS");
    expect(promtool("check", "rules", ...RULES)).toContain("SUCCESS");
  });

  test.skipIf(!hasPromtool)("alerts as the rules' own tests say", () => {
    expect(promtool("test", "rules", "rules.test.yml")).toContain("SUCCESS");
  });
});
