/** Which faults a run meets, and when: drawn from a seed, so that a difference that was found can be looked for again. */
import { permutation, uniforms } from '../../lib/models/random.ts';
import type { Kind } from './kinds.ts';

export interface Fault {
  readonly kind: Kind;
  /** Seconds since the fault before it was over; of the first one, since the run began. */
  readonly after: number;
  /** Seconds since there was a training to do it to, for those that need one. */
  readonly into: number;
  /** Seconds until what was taken is there again: the next worker, room, the store, the line. */
  readonly lasts: number;
  /** Seconds that the clock jumps, forward or back. */
  readonly jump: number;
}

export type Plan = readonly Fault[];

/** Seconds: a training is under way from the second on, and takes half a minute. */
const first = { from: 2, to: 14 };
const next = { from: 0, to: 6 };
const into = { from: 0, to: 4 };

const hour = 3600;
const jump = { from: hour, to: 72 * hour };

const outage = { from: 3, to: 8 };
const newWorker = { from: 0, to: 5 };
/** The heartbeat timeout of 15 s, and the server's own timers. */
const cut = { from: 18, to: 20 };

function duration(kind: Kind): Range {
  if (kind === 'disk-full' || kind === 'store-away') return outage;
  return kind === 'cut-off' ? cut : newWorker;
}

interface Range {
  readonly from: number;
  readonly to: number;
}

/** Two to four faults a run. Kinds are dealt like cards, not drawn each time: each comes as often as the others. */
export function planRuns({ seed, runs, kinds }: { seed: number; runs: number; kinds: readonly Kind[] }): Plan[] {
  const deal = dealer(seed, kinds);
  return Array.from({ length: runs }, (_, run) => {
    const [draw] = uniforms({ seed, use: 'folds', epoch: run }, 1) as unknown as [number];
    const count = Math.min(2 + Math.floor(draw * 3), kinds.length);
    return deal(count).map((kind, index) => drawFault(kind, { seed, run, index }));
  });
}

/** Gives a hand of different kinds; the cards are shuffled anew when all are dealt. */
function dealer(seed: number, kinds: readonly Kind[]): (count: number) => Kind[] {
  let deck: Kind[] = [];
  let shuffles = 0;
  return (count) => {
    const hand: Kind[] = [];
    while (hand.length < count) {
      const at = deck.findIndex((kind) => !hand.includes(kind));
      if (at >= 0) hand.push(...deck.splice(at, 1));
      else deck = [...deck, ...shuffled(kinds, seed, shuffles++)];
    }
    return hand;
  };
}

function shuffled(kinds: readonly Kind[], seed: number, epoch: number): Kind[] {
  return Array.from(permutation({ seed, use: 'order', epoch }, kinds.length), (index) => kinds[index] as Kind);
}

function drawFault(kind: Kind, { seed, run, index }: { seed: number; run: number; index: number }): Fault {
  const draws = uniforms({ seed, use: 'bootstrap', epoch: run, step: index }, 5);
  const [when, deep, long, far, way] = draws as unknown as [number, number, number, number, number];
  return {
    kind,
    after: within(index === 0 ? first : next, when),
    into: within(into, deep),
    lasts: within(duration(kind), long),
    jump: (way < 0.5 ? -1 : 1) * Math.round(within(jump, far)),
  };
}

function within({ from, to }: Range, draw: number): number {
  return from + draw * (to - from);
}
