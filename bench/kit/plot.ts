/** A chart with a logarithmic x axis, as SVG text: nothing to install, and readable in a diff. */
export interface Plot {
  readonly title: string;
  readonly x: { readonly name: string; readonly values: readonly number[] };
  readonly lines: readonly { readonly name: string; readonly values: readonly number[] }[];
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [640, 360, 56, 24, 44, 84];
const COLOURS = ["#1668b8", "#8a8a8a", "#b8591c", "#3d8a3d"];
const TICKS = 4;

export function plot({ title, x, lines }: Plot): string {
  const [first, last] = [Math.log10(x.values[0]!), Math.log10(x.values.at(-1)!)];
  const most = Math.max(...lines.flatMap(({ values }) => values));
  const across = (value: number) =>
    LEFT + ((Math.log10(value) - first) / Math.max(last - first, 1e-9)) * (WIDTH - LEFT - RIGHT);
  const up = (value: number) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM);
  const ticks = Array.from({ length: TICKS + 1 }, (_, i) => (most * i) / TICKS);
  const parts = [
    text(WIDTH / 2, 24, title, "middle", 15),
    ...ticks.flatMap((value) => [
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at(up(value))}" y2="${at(up(value))}" stroke="#ddd"/>`,
      text(LEFT - 6, up(value) + 4, value.toPrecision(2), "end"),
    ]),
    ...x.values.map((value) =>
      text(across(value), HEIGHT - BOTTOM + 18, value.toLocaleString("en"), "middle"),
    ),
    text(WIDTH / 2, HEIGHT - BOTTOM + 36, x.name, "middle"),
    ...lines.flatMap(({ name, values }, i) => {
      const colour = COLOURS[i % COLOURS.length]!;
      const points = values.map((value, n) => `${at(across(x.values[n]!))},${at(up(value))}`);
      const key = LEFT + (i * (WIDTH - LEFT - RIGHT)) / lines.length;
      return [
        `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        `<rect x="${at(key)}" y="${HEIGHT - 30}" width="12" height="12" fill="${colour}"/>`,
        text(key + 18, HEIGHT - 20, name, "start"),
      ];
    }),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}">\n<rect width="100%" height="100%" fill="#fff"/>\n${parts.join("\n")}\n</svg>\n`;
}

const at = (value: number): string => value.toFixed(1);

const text = (
  x: number,
  y: number,
  words: string,
  anchor: "start" | "middle" | "end",
  size = 11,
): string =>
  `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}" font-family="sans-serif" font-size="${size}">${words}</text>`;
