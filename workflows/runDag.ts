/** A node of the graph as far as its order goes. */
export interface DagNode {
  readonly name: string;
  readonly needs: readonly string[];
}

export type DagOutcome<R> =
  | { readonly kind: 'done'; readonly result: R }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Not run, as something that it needs did not end well. `because` is the stage that failed. */
  | { readonly kind: 'skipped'; readonly because: string };

/**
 * Runs each node as soon as all that it needs is done: not in waves, so that a slow node stalls nobody but those who wait for it.
 * A failure stops what depends on it; every other branch goes on to its end. Nodes are given in topological order.
 */
export async function runDag<N extends DagNode, R>(
  nodes: readonly N[],
  run: (node: N, results: ReadonlyMap<string, R>) => Promise<R>,
): Promise<ReadonlyMap<string, DagOutcome<R>>> {
  const outcomes = new Map<string, Promise<DagOutcome<R>>>();
  for (const node of nodes) {
    const needed = node.needs.map((name) => [name, outcomes.get(name)] as const);
    outcomes.set(node.name, runNode(node, needed, run));
  }
  const settled = new Map<string, DagOutcome<R>>();
  for (const [name, outcome] of outcomes) settled.set(name, await outcome);
  return settled;
}

async function runNode<N extends DagNode, R>(
  node: N,
  needed: readonly (readonly [string, Promise<DagOutcome<R>> | undefined])[],
  run: (node: N, results: ReadonlyMap<string, R>) => Promise<R>,
): Promise<DagOutcome<R>> {
  const results = new Map<string, R>();
  for (const [name, outcome] of needed) {
    const settled = await outcome;
    if (settled === undefined)
      throw new TypeError(`Expected ${name} before ${node.name}: nodes go in topological order`);
    if (settled.kind === 'failed') return { kind: 'skipped', because: name };
    if (settled.kind === 'skipped') return settled;
    results.set(name, settled.result);
  }
  try {
    return { kind: 'done', result: await run(node, results) };
  } catch (error) {
    return { kind: 'failed', error };
  }
}
