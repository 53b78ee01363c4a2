import { mostStages } from '../../contract/config.ts';
import type { StageContract } from '../../contract/stage.ts';
import type { ConfigNode } from './tree.ts';

/** A stage as far as it can be read, so that one fault does not hide the others. */
export interface Draft {
  readonly name: string;
  /** Undefined when `uses` names no known stage. */
  readonly contract: StageContract | undefined;
  readonly uses: string | undefined;
  readonly needs: readonly Need[];
  /** Every entry of `needs` could be read. */
  readonly needsAreRead: boolean;
  /** Undefined when `with` is not a mapping. */
  readonly with: ConfigNode | undefined;
  readonly hasWith: boolean;
}

/** An entry of `needs`: the stage that it names, and its index in the list. */
export interface Need {
  readonly stage: string;
  readonly index: number;
}

/** The stages of a pipeline in the file's order, whatever else is wrong with it. */
export function readDrafts(root: ConfigNode, contracts: ReadonlyMap<string, StageContract>): Draft[] {
  const stages = root.kind === 'map' ? root.entries.get('stages') : undefined;
  if (stages?.kind !== 'map') return [];
  return [...stages.entries].flatMap(([name, node]) =>
    node.kind === 'map' ? [readDraft(name, node.entries, contracts)] : [],
  );
}

function readDraft(
  name: string,
  entries: ReadonlyMap<string, ConfigNode>,
  contracts: ReadonlyMap<string, StageContract>,
): Draft {
  const uses = textOf(entries.get('uses'));
  const needs = entries.get('needs');
  const listed = needs?.kind === 'list' ? needs.items.slice(0, mostStages).map(textOf) : [];
  const parameters = entries.get('with');
  return {
    name,
    uses,
    contract: uses === undefined ? undefined : contracts.get(uses),
    needs: listed.flatMap((stage, index) => (stage === undefined ? [] : [{ stage, index }])),
    needsAreRead: (needs === undefined || needs.kind === 'list') && !listed.includes(undefined),
    with: parameters?.kind === 'map' ? parameters : undefined,
    hasWith: parameters !== undefined,
  };
}

function textOf(node: ConfigNode | undefined): string | undefined {
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
}
