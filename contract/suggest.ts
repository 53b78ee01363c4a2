/** The candidate that `word` was probably meant to be, or undefined when none is near. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > longestWord) return undefined;
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const allowed = allowance(word, candidate);
    const [written, meant] = [plain(word), plain(candidate)];
    // The distance is never less than the difference in length.
    if (Math.abs(written.length - meant.length) > allowed || candidate.length > longestWord) continue;
    const distance = editDistance(written, meant);
    if (distance < least && distance <= allowed) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** A name longer than this is no typing error, and the distance costs the product of both lengths. */
const longestWord = 100;

/** Two errors in five letters are a slip of the hand; more than three are another word. */
function allowance(word: string, candidate: string): number {
  return Math.min(3, Math.floor(0.4 * Math.max(word.length, candidate.length)));
}

/** `batch_size`, `batch-size` and `batchSize` are one name. */
function plain(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, '');
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = at(previous, column - 1) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const swap = swapped ? at(older, column - 2) + 1 : Number.POSITIVE_INFINITY;
      current.push(Math.min(substitution, swap, at(previous, column) + 1, at(current, column - 1) + 1));
    }
    older = previous;
    previous = current;
  }
  return at(previous, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
