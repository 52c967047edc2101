import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  Lexer,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  Source,
  TokenKind,
} from "graphql";
import {
  ALIASES_MAX,
  BRACKETS_DEPTH_MAX,
  DEPTH_MAX,
  DIRECTIVES_MAX,
  DOCUMENT_CHARACTERS_MAX,
  SELECTIONS_MAX,
  TOKENS_MAX,
} from "./limits.ts";
import { tooDeep, tooLong, tooMany } from "./refusals.ts";

const OPEN: ReadonlySet<string> = new Set([
  TokenKind.BRACE_L,
  TokenKind.BRACKET_L,
  TokenKind.PAREN_L,
]);
const CLOSE: ReadonlySet<string> = new Set([
  TokenKind.BRACE_R,
  TokenKind.BRACKET_R,
  TokenKind.PAREN_R,
]);

/** Before a document is parsed: its length and nesting, by a walk over its tokens that needs no stack. */
export function measureText(text: string): void {
  if (text.length > DOCUMENT_CHARACTERS_MAX) throw tooLong(text.length);
  const lexer = new Lexer(new Source(text));
  let depth = 0;
  for (let tokens = 0; lexer.advance().kind !== TokenKind.EOF; tokens++) {
    if (tokens >= TOKENS_MAX) throw tooLong(text.length);
    const { kind } = lexer.token;
    if (OPEN.has(kind) && ++depth > BRACKETS_DEPTH_MAX)
      throw tooDeep("brackets", BRACKETS_DEPTH_MAX);
    if (CLOSE.has(kind)) depth--;
  }
}

/** The fragments of a document, by name. */
export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

export const fragmentsOf = ({ definitions }: DocumentNode): Fragments =>
  new Map(
    definitions
      .filter((definition) => definition.kind === Kind.FRAGMENT_DEFINITION)
      .map((definition) => [definition.name.value, definition]),
  );

/** Before it is validated, which takes time that grows with the square of what stands side by side. */
export function measureDocument(document: DocumentNode): void {
  const whole = counter();
  for (const definition of document.definitions)
    if ("selectionSet" in definition && definition.selectionSet !== undefined)
      walk(definition.selectionSet, new Map(), whole);
  const fragments = fragmentsOf(document);
  for (const definition of document.definitions)
    if (definition.kind === Kind.OPERATION_DEFINITION)
      walk(definition.selectionSet, fragments, counter());
}

/** Gets a selection, and how many fields deep it is. */
type Visit = (selection: SelectionNode, depth: number) => void;

/** Every selection, fragments unfolded. A fragment within itself ends there: validation tells of it. */
function walk(
  { selections }: SelectionSetNode,
  fragments: Fragments,
  visit: Visit,
  depth = 1,
  around: readonly string[] = [],
): void {
  for (const selection of selections) {
    visit(selection, depth);
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const name = selection.name.value;
      const fragment = fragments.get(name);
      if (fragment !== undefined && !around.includes(name))
        walk(fragment.selectionSet, fragments, visit, depth, [...around, name]);
    } else if (selection.selectionSet !== undefined) {
      const deeper = selection.kind === Kind.FIELD ? depth + 1 : depth;
      walk(selection.selectionSet, fragments, visit, deeper, around);
    }
  }
}

function counter(): Visit {
  let [selections, aliases, directives] = [0, 0, 0];
  return (selection, depth) => {
    directives += selection.directives?.length ?? 0;
    if (selection.kind === Kind.FIELD && selection.alias !== undefined) aliases++;
    if (++selections > SELECTIONS_MAX) throw tooMany("selections", SELECTIONS_MAX);
    if (depth > DEPTH_MAX) throw tooDeep("fields", DEPTH_MAX);
    if (aliases > ALIASES_MAX) throw tooMany("aliases", ALIASES_MAX);
    if (directives > DIRECTIVES_MAX) throw tooMany("directives", DIRECTIVES_MAX);
  };
}

/** The fields at the top of an operation that was measured, fragments unfolded. */
export function rootFields({ selectionSet }: OperationDefinitionNode, fragments: Fragments) {
  const found: FieldNode[] = [];
  walk(selectionSet, fragments, (selection, depth) => {
    if (depth === 1 && selection.kind === Kind.FIELD) found.push(selection);
  });
  return found;
}

/** How many fields are below, fragments unfolded. */
export function countFields(
  selectionSet: SelectionSetNode | undefined,
  fragments: Fragments,
): number {
  let fields = 0;
  if (selectionSet !== undefined)
    walk(selectionSet, fragments, ({ kind }) => {
      if (kind === Kind.FIELD) fields++;
    });
  return fields;
}

/**
 * Whether a field, or one below it, has another name in the answer. Introspection needs none; without them its answer
 * cannot be larger than the schema.
 */
export function hasAlias(field: FieldNode, fragments: Fragments): boolean {
  let found = field.alias !== undefined;
  if (field.selectionSet !== undefined)
    walk(field.selectionSet, fragments, (selection) => {
      found ||= selection.kind === Kind.FIELD && selection.alias !== undefined;
    });
  return found;
}
