import { type InputRule, type StageContract, takesSeveral } from '../../contract/stage.ts';
import type { Draft, Need } from './drafts.ts';
import { type Flaw, list } from './problem.ts';

export type Inputs = Readonly<Record<string, readonly string[]>>;

/**
 * Gives the stages that `draft` needs to the roles of its contract, by the kind of what they make. Where two roles take one
 * kind, the first stage in `needs` goes to the role for one, the rest to the role for several.
 */
export function wireInputs(
  draft: Draft,
  drafts: ReadonlyMap<string, Draft>,
): { inputs: Inputs; flaws: readonly Flaw[] } {
  const { contract } = draft;
  if (!contract) return { inputs: {}, flaws: [] };
  const roles = Object.entries(contract.inputs);
  const inputs = new Map<string, string[]>(roles.map(([role]) => [role, []]));
  const flaws: Flaw[] = [];
  let allKnown = draft.needsAreRead;
  for (const need of draft.needs) {
    const maker = drafts.get(need.stage)?.contract;
    // Unknown stages, loops and repetitions are told by the graph's own check.
    if (!maker || need.stage === draft.name || draft.needs.find((other) => other.stage === need.stage) !== need) {
      allKnown &&= maker !== undefined;
      continue;
    }
    const role = roleFor(maker.output, roles, inputs);
    if (role === undefined) flaws.push(notTaken(draft, contract, need, maker.output));
    else inputs.get(role)?.push(need.stage);
  }
  // A need that could not be read may be the very input that seems to be missing.
  if (allKnown) flaws.push(...missing(draft, contract, inputs, drafts));
  return { inputs: Object.fromEntries(inputs), flaws };
}

type Role = readonly [name: string, rule: InputRule];

const preference: Readonly<Record<InputRule['count'], number>> = { one: 0, optional: 1, some: 2, any: 3 };

function roleFor(
  kind: string,
  roles: readonly Role[],
  filled: ReadonlyMap<string, readonly string[]>,
): string | undefined {
  return roles
    .filter(([role, rule]) => rule.kind === kind && (takesSeveral(rule) || filled.get(role)?.length === 0))
    .toSorted(([, a], [, b]) => preference[a.count] - preference[b.count])[0]?.[0];
}

function notTaken(draft: Draft, contract: StageContract, need: Need, kind: string): Flaw {
  const path = ['stages', draft.name, 'needs', need.index];
  const rules = Object.values(contract.inputs);
  const places = rules.filter((rule) => rule.kind === kind).length;
  if (places > 0) {
    const message = `\`${contract.name}\` takes ${places === 1 ? 'one stage' : `${places} stages`} that ${places === 1 ? 'makes' : 'make'} \`${kind}\`, and \`${need.stage}\` is one more`;
    return { path, at: 'value', message };
  }
  const message = `\`${need.stage}\` makes \`${kind}\`, which \`${contract.name}\` does not take`;
  const kinds = [...new Set(rules.map((rule) => rule.kind))];
  return {
    path,
    at: 'value',
    message,
    expected: kinds.length > 0 ? `stages that make ${list(kinds)}` : 'no needs at all',
  };
}

function missing(
  draft: Draft,
  contract: StageContract,
  inputs: ReadonlyMap<string, readonly string[]>,
  drafts: ReadonlyMap<string, Draft>,
): Flaw[] {
  return Object.entries(contract.inputs).flatMap(([role, rule]) => {
    if (rule.count === 'optional' || rule.count === 'any' || (inputs.get(role)?.length ?? 0) > 0) return [];
    const makers = [...drafts.values()].filter((other) => other.contract?.output === rule.kind && other !== draft);
    const wanted = rule.count === 'one' ? 'a stage' : 'at least one stage';
    return [
      {
        path: ['stages', draft.name, 'needs'],
        at: 'key' as const,
        message: `\`${contract.name}\` needs ${wanted} that makes \`${rule.kind}\``,
        expected: makers.length > 0 ? list(makers.map((maker) => maker.name)) : `such a stage; the pipeline has none`,
        nearest: makers.length === 1 ? makers[0]?.name : undefined,
      },
    ];
  });
}
