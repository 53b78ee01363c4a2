import { CST, Lexer } from 'yaml';

/** Deeper than any parameter goes, far from the end of the call stack. */
export const deepestNesting = 100;

/** Blocks nest by indentation, by at least one column a level. Two columns a level are usual. */
const widestIndentation = 4 * deepestNesting;

/**
 * Where a text nests so deeply that the parser, which calls itself for every level, must not see it: half a million brackets end
 * the process, not the parse. Reads the tokens only. The offset of the first character too deep, or undefined.
 */
export function tooDeepAt(text: string): number | undefined {
  let offset = 0;
  let brackets = 0;
  // `- - - x` nests on one line; `a: b: c` does not.
  let indicators = 0;
  let lineStarts = true;
  for (const token of new Lexer().lex(text)) {
    const kind = CST.tokenType(token);
    if (kind === 'newline') indicators = 0;
    if (kind === 'flow-seq-start' || kind === 'flow-map-start') brackets++;
    if (kind === 'flow-seq-end' || kind === 'flow-map-end') brackets = Math.max(0, brackets - 1);
    if (kind === 'seq-item-ind' || kind === 'explicit-key-ind') indicators++;
    const indentation = lineStarts && kind === 'space' ? token.length : 0;
    if (Math.max(brackets, indicators) > deepestNesting || indentation > widestIndentation) return offset;
    lineStarts = kind === 'newline';
    // Marks that the lexer puts in, and that are not in the text.
    if (kind !== 'doc-mode' && kind !== 'flow-error-end' && kind !== 'scalar') offset += token.length;
  }
  return undefined;
}
