import { suggest } from '../../contract/suggest.ts';
import type { Draft, Need } from './drafts.ts';
import { type Flaw, oneOf } from './problem.ts';

/** Every unknown name is compared with every stage; a file made to be slow holds a hundred thousand of them. */
const mostSuggestions = 100;

/** What is wrong with who needs whom: unknown stages, stages listed twice, circles. */
export function checkGraph(drafts: readonly Draft[]): Flaw[] {
  const names = new Set(drafts.map((draft) => draft.name));
  let suggestions = mostSuggestions;
  const nearestTo = (stage: string, others: readonly string[]) =>
    suggestions-- > 0 ? suggest(stage, others) : undefined;
  const flaws = drafts.flatMap((draft) => draft.needs.flatMap((need) => checkNeed(draft, need, names, nearestTo)));
  return [...flaws, ...circles(drafts)];
}

/** Every stage after those that it needs; otherwise in the order given. Expects a graph without circles. */
export function topological(drafts: readonly Draft[]): Draft[] {
  const waiting = new Set(drafts);
  const done = new Set<string>();
  const ordered: Draft[] = [];
  while (waiting.size > 0) {
    const next = [...waiting].find((draft) => draft.needs.every((need) => done.has(need.stage)));
    if (!next) throw new RangeError('Expected a graph without circles');
    waiting.delete(next);
    done.add(next.name);
    ordered.push(next);
  }
  return ordered;
}

function checkNeed(
  draft: Draft,
  { stage, index }: Need,
  names: ReadonlySet<string>,
  nearestTo: (stage: string, others: readonly string[]) => string | undefined,
): Flaw[] {
  const path = ['stages', draft.name, 'needs', index];
  if (stage === draft.name) return [{ path, at: 'value', message: `The stage \`${stage}\` needs itself` }];
  if (!names.has(stage)) {
    const others = [...names].filter((name) => name !== draft.name);
    const message = `Unknown stage \`${stage}\``;
    return [{ path, at: 'value', message, expected: oneOf(others), nearest: nearestTo(stage, others) }];
  }
  const first = draft.needs.find((need) => need.stage === stage);
  return first && first.index < index ? [{ path, at: 'value', message: `The stage \`${stage}\` is listed twice` }] : [];
}

/** One flaw for every entry of `needs` with which a circle begins. */
function circles(drafts: readonly Draft[]): Flaw[] {
  const byName = new Map(drafts.map((draft) => [draft.name, draft]));
  const finished = new Set<string>();
  const flaws: Flaw[] = [];
  for (const draft of drafts) walk(draft, []);
  // Circles that begin with the same entry are opened by correcting that entry: the shortest tells enough.
  const shortest = flaws.toSorted((a, b) => a.message.length - b.message.length);
  return shortest.filter((flaw, index) => shortest.findIndex((other) => samePath(flaw, other)) === index);

  function walk(draft: Draft, trail: readonly Step[]): void {
    if (finished.has(draft.name)) return;
    const start = trail.findIndex((step) => step.name === draft.name);
    if (start >= 0) {
      flaws.push(circle(trail.slice(start), [...byName.keys()]));
      return;
    }
    for (const need of draft.needs) {
      const needed = byName.get(need.stage);
      if (needed && needed !== draft) walk(needed, [...trail, { name: draft.name, index: need.index }]);
    }
    finished.add(draft.name);
  }
}

function samePath(a: Flaw, b: Flaw): boolean {
  return a.path.join('.') === b.path.join('.');
}

interface Step {
  readonly name: string;
  /** Of the entry in `needs` that leads to the next. */
  readonly index: number;
}

/** Told from the stage that comes first in the file, so that the message does not depend on where the walk began. */
function circle(steps: readonly Step[], order: readonly string[]): Flaw {
  const first = steps.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name))[0] as Step;
  const from = steps.indexOf(first);
  const names = [...steps.slice(from), ...steps.slice(0, from), first].map((step) => step.name);
  return {
    path: ['stages', first.name, 'needs', first.index],
    at: 'value',
    message: `The stages need each other in a circle: ${names.join(' → ')}`,
  };
}
