// Configurations that say in their comments which problems are expected of them.

/** "#   ^ code path: message" is about the line above it; "#< code ..." is about that line's first column. */
export function expectedProblems(text: string): string[] {
  const problems: string[] = [];
  let line = 1;
  for (const [i, content] of text.split("\n").entries()) {
    const comment = /^#(?: *\^|<) (.*)$/.exec(content);
    if (!comment) {
      line = i + 1;
      continue;
    }
    const column = content[1] === "<" ? 1 : content.indexOf("^") + 1;
    problems.push(`${line}:${column} ${comment[1]}`);
  }
  return problems;
}
