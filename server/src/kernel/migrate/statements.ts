/**
 * Splits SQL at the semicolons that end statements: those outside of strings, quoted names, dollar quotes and
 * `begin atomic … end` bodies. Comments before and between statements are dropped.
 */
export function statementsOf(sql: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let bodies = 0;
  let lastWord = "";
  let text = "";
  const flush = (end: number): void => {
    text += sql.slice(start, end);
    if (text.trim() !== "") statements.push(text.trim());
    text = "";
  };
  for (const token of sql.matchAll(TOKEN)) {
    const word = token[0];
    if (word.startsWith("--") || word.startsWith("/*")) {
      text += `${sql.slice(start, token.index)} `;
      start = token.index + word.length;
    } else if (word === ";") {
      if (bodies > 0) continue;
      flush(token.index);
      start = token.index + 1;
    } else if (/^\w/.test(word)) {
      const lower = word.toLowerCase();
      if (lower === "atomic" && lastWord === "begin") bodies = 1;
      else if (bodies > 0 && lower === "case") bodies += 1;
      else if (bodies > 0 && lower === "end") bodies -= 1;
      lastWord = lower;
    }
  }
  flush(sql.length);
  return statements;
}

/** Comments, dollar quotes, escape strings, strings, names, words, semicolons: in this order. */
const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?\*\/|(\$(?:[A-Za-z_]\w*)?\$)[\s\S]*?\1|\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|[A-Za-z_]\w*|;/g;
