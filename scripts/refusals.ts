/** Finds every refusal in the sources, as the compiler parses them. */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  type Node,
  type ObjectLiteralExpression,
  type SourceFile,
  SyntaxKind,
} from "typescript/unstable/ast";
import {
  isConditionalExpression,
  isIdentifier,
  isNewExpression,
  isNumericLiteral,
  isObjectLiteralExpression,
  isPropertyAssignment,
  isShorthandPropertyAssignment,
  isStringLiteral,
  isTemplateExpression,
  isVariableDeclaration,
} from "typescript/unstable/ast/is";
import { API } from "typescript/unstable/sync";

export interface FoundRefusal {
  readonly code: string;
  /** HTTP status; undefined for those of the verifier, which has none. */
  readonly status: number | undefined;
  /** Text with a `{value}` where the code puts one. */
  readonly message: string;
  /** Names of its facts; undefined when they depend on the case. */
  readonly facts: readonly string[] | undefined;
  readonly help: string;
  /** File, from the root. */
  readonly where: string;
}

const ROOT = join(import.meta.dirname, "..");
const SOURCES = ["server/src/**/*.ts", "verifier/src/**/*.ts"];
/** Where the arguments of each class stand. */
const CLASSES: Record<string, { status?: number; message: number; facts?: number; help: number }> =
  {
    Refusal: { status: 1, message: 2, facts: 3, help: 4 },
    VerifyError: { message: 1, help: 2 },
  };

/** Every refusal, by code. A code that is not written out is an error: nobody could look for it. */
export function findRefusals(): FoundRefusal[] {
  const api = new API({ cwd: ROOT });
  try {
    const snapshot = api.updateSnapshot({ openProjects: [join(ROOT, "tsconfig.json")] });
    const { program } = snapshot.getProjects()[0]!;
    const found = sourceFiles().flatMap((file) =>
      findInFile(program.getSourceFile(join(ROOT, file))!, file),
    );
    return found.sort((a, b) => (`${a.code} ${a.where}` < `${b.code} ${b.where}` ? -1 : 1));
  } finally {
    api.close();
  }
}

/** Every word in the sources that looks like a refusal's code, however it got there. */
export function mentionedCodes(stages: readonly string[]): Map<string, string> {
  const pattern = new RegExp(`["'\`]((?:${stages.join("|")})/[a-z][a-z0-9_-]*[a-z0-9])["'\`]`, "g");
  return new Map(
    sourceFiles().flatMap((file) =>
      [...readFileSync(join(ROOT, file), "utf8").matchAll(pattern)].map(([, code]) => [
        code!,
        file,
      ]),
    ),
  );
}

const sourceFiles = (): string[] =>
  SOURCES.flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
    .filter((file) => !file.endsWith(".test.ts"))
    .sort();

function findInFile(source: SourceFile, where: string): FoundRefusal[] {
  const found: FoundRefusal[] = [];
  const visit = (node: Node): void => {
    if (isNewExpression(node) && isIdentifier(node.expression)) {
      const places = CLASSES[node.expression.text];
      if (places !== undefined)
        found.push(read(source, where, [...(node.arguments ?? [])], places));
    }
    if (isObjectLiteralExpression(node)) found.push(...readAnswer(source, where, node));
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

/** The verifier never throws: it may answer with an object that has a code of its own. */
function readAnswer(
  source: SourceFile,
  where: string,
  { properties }: ObjectLiteralExpression,
): FoundRefusal[] {
  const values = new Map(
    properties
      .filter(isPropertyAssignment)
      .map(({ name, initializer }) => [name.getText(source), initializer]),
  );
  const [code, message, help] = ["code", "message", "help"].map((name) => values.get(name));
  if (code === undefined || message === undefined || help === undefined) return [];
  return isStringLiteral(code)
    ? [read(source, where, [code, message, help], { message: 1, help: 2 })]
    : [];
}

function read(
  source: SourceFile,
  where: string,
  args: readonly Node[],
  { status, message, facts, help }: (typeof CLASSES)[string],
): FoundRefusal {
  const [code] = args;
  if (code === undefined || !isStringLiteral(code))
    throw new Error(`${where}: the code of a refusal is not written out: ${code?.getText(source)}`);
  const number = status === undefined ? undefined : args[status]!;
  return {
    code: code.text,
    status: number !== undefined && isNumericLiteral(number) ? Number(number.text) : undefined,
    message: textOf(args[message]!, source),
    facts: facts === undefined ? [] : factsOf(args[facts]!),
    help: textOf(args[help]!, source),
    where,
  };
}

/** What a reader sees; a value that is known only at run time stands in braces. */
function textOf(node: Node, source: SourceFile): string {
  if (isStringLiteral(node) || node.kind === SyntaxKind.NoSubstitutionTemplateLiteral)
    return (node as Node & { text: string }).text;
  if (isTemplateExpression(node)) {
    const spans = node.templateSpans.map(
      ({ expression, literal }) => textOf(expression, source) + literal.text,
    );
    return node.head.text + spans.join("");
  }
  if (isConditionalExpression(node))
    return `${textOf(node.whenTrue, source)} / ${textOf(node.whenFalse, source)}`;
  if (isNumericLiteral(node)) return node.text;
  const constant = isIdentifier(node) ? constantOf(node.text, source) : undefined;
  return constant === undefined ? `{${nameOf(node, source)}}` : textOf(constant, source);
}

/** A name as it stands in the code; what is computed has none. */
function nameOf(node: Node, source: SourceFile): string {
  const text = node.getText(source);
  return /^[\w.]+$/.test(text) ? text : "…";
}

function constantOf(name: string, source: SourceFile): Node | undefined {
  let found: Node | undefined;
  const visit = (node: Node): void => {
    if (isVariableDeclaration(node) && isIdentifier(node.name) && node.name.text === name)
      found = node.initializer;
    node.forEachChild(visit);
  };
  visit(source);
  if (found === undefined) return undefined;
  return isStringLiteral(found) || isNumericLiteral(found) ? found : undefined;
}

function factsOf(node: Node): string[] | undefined {
  if (!isObjectLiteralExpression(node)) return undefined;
  const names = node.properties.map((property) => {
    const named = isPropertyAssignment(property) || isShorthandPropertyAssignment(property);
    return named && isIdentifier(property.name) ? property.name.text : undefined;
  });
  const known = names.filter((name) => name !== undefined);
  return known.length < names.length ? [...known, "…"] : known;
}
