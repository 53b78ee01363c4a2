/** A node of the graph as far as its order goes. */
export interface DagNode {
  readonly name: string;
  readonly needs: readonly string[];
}

type State = 'waiting' | 'started' | 'done' | 'failed';

/**
 * Which stage may start when: as soon as all that it needs is done, so that a slow one stalls nobody but those who wait for it. A
 * failure keeps back what depends on it, and nothing else. Nodes are given in topological order.
 */
export class Dag {
  readonly #nodes: readonly DagNode[];
  readonly #states = new Map<string, State>();

  constructor(nodes: readonly DagNode[]) {
    for (const { name, needs } of nodes) {
      const late = needs.find((need) => !this.#states.has(need));
      if (late !== undefined) throw new TypeError(`Expected ${late} before ${name}: nodes go in topological order`);
      this.#states.set(name, 'waiting');
    }
    this.#nodes = nodes;
  }

  /** The names of those that can start now. */
  ready(): string[] {
    return this.#nodes
      .filter(({ name, needs }) => this.is(name, 'waiting') && needs.every((need) => this.is(need, 'done')))
      .map(({ name }) => name);
  }

  inState(state: State): string[] {
    return this.#nodes.filter(({ name }) => this.is(name, state)).map(({ name }) => name);
  }

  is(name: string, state: State): boolean {
    return this.#states.get(name) === state;
  }

  set(name: string, state: State): void {
    if (!this.#states.has(name)) throw new TypeError(`Expected a node of the graph, got ${name}`);
    this.#states.set(name, state);
  }

  /** These and everything that needs them, near or far, in order. */
  withDependents(names: Iterable<string>): string[] {
    const found = new Set(names);
    for (const { name, needs } of this.#nodes) if (needs.some((need) => found.has(need))) found.add(name);
    return this.#nodes.filter(({ name }) => found.has(name)).map(({ name }) => name);
  }

  get isDone(): boolean {
    return this.#nodes.every(({ name }) => this.is(name, 'done'));
  }
}
