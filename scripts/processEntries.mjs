// @ts-check
// Finds the programs that code starts as processes: the literal arguments of entryPoint('…').
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const call = /\bentryPoint\(\s*(['"])([^'"]+\.ts)\1\s*\)/g;

/**
 * @param {string} root
 * @returns {string[]} sources relative to `root`, sorted
 */
export function processEntries(root) {
  const found = new Set();
  for (const room of ['activities', 'lib', 'worker', 'client']) {
    for (const file of sources(join(root, room))) {
      if (relative(root, file).replaceAll('\\', '/') === 'lib/code/root.ts') continue;
      for (const entry of entriesIn(readFileSync(file, 'utf8'))) found.add(entry);
    }
  }
  return [...found].sort();
}

/** @param {string} source */
export function entriesIn(source) {
  return [...source.matchAll(call)].map((match) => String(match[2]));
}

/** @param {string} folder @returns {string[]} */
function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((item) => {
    const path = join(folder, item.name);
    if (item.isDirectory()) return sources(path);
    return item.name.endsWith('.ts') && !item.name.endsWith('.test.ts') ? [path] : [];
  });
}
