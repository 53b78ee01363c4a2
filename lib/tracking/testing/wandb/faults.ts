/** What goes wrong between a client and W&B, as a client sees it. */
export const faultKinds = [
  'error 500',
  'too many',
  'unauthorized',
  'refused by name',
  'reset',
  'dropped after taken',
  'hang',
  'truncated',
  'captive portal',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export type RequestKind = 'viewer' | 'upsert' | 'query' | 'createFiles' | 'stream' | 'complete' | 'put';

/** Says what goes wrong with the `nth` request (from 1) of its kind; undefined: nothing. */
export type FaultPlan = (request: { readonly kind: RequestKind; readonly nth: number }) => FaultKind | undefined;

export const noFaults: FaultPlan = () => undefined;

/** The first `times` requests of each kind (or of those named) go wrong. */
export function firstOnes(fault: FaultKind, times: number, kinds?: readonly RequestKind[]): FaultPlan {
  return ({ kind, nth }) => (nth <= times && (!kinds || kinds.includes(kind)) ? fault : undefined);
}

/** Each request goes wrong with a probability, by a seeded sequence. */
export function atRandom(fault: FaultKind | readonly FaultKind[], probability: number, seed = 1): FaultPlan {
  let state = seed;
  const next = () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
  return () => {
    if (next() >= probability) return undefined;
    return typeof fault === 'string' ? fault : fault[Math.floor(next() * fault.length)];
  };
}
