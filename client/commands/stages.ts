import { z } from 'zod';
import { loadContracts } from '../../activities/attempt/catalog.ts';
import { alternatives, type ParamRole, roleOf } from '../../contract/params.ts';
import type { StageContract } from '../../contract/stage.ts';
import { suggest } from '../../contract/suggest.ts';
import { describe } from '../../lib/config/describe.ts';
import { optionsOf } from '../../lib/config/options.ts';
import { exitCodes, type Output, table, UsageError } from '../output.ts';

/** `furrow stages [NAME]`: what a config can use, and with which parameters. */
export async function stages(name: string | undefined, output: Output): Promise<number> {
  const contracts = await loadContracts();
  if (name === undefined) {
    output.answer([...contracts.values()].map(summarize), () =>
      table([['STAGE', 'KIND', 'TAKES', 'MAKES', ''], ...[...contracts.values()].map(row)]),
    );
    return exitCodes.ok;
  }
  const contract = contracts.get(name);
  if (!contract) {
    const near = suggest(name, contracts.keys());
    throw new UsageError(
      `There is no stage ${name}${near ? `; did you mean ${near}?` : ''}`,
      `There are ${[...contracts.keys()].join(', ')}; a new file in activities/ is a new stage (docs/add-a-stage.md).`,
    );
  }
  output.answer(summarize(contract), () => stageLines(contract));
  return exitCodes.ok;
}

interface Param {
  /** Of a key in a mapping: with the keys on the way to it, as in `sgd.lr`. */
  readonly name: string;
  readonly role: ParamRole | undefined;
  /** What it takes, as the end of a sentence. */
  readonly takes: string;
  readonly required: boolean;
  /** The keys in whose place this one may stand. */
  readonly insteadOf: readonly string[];
  readonly default?: unknown;
  readonly description: string;
  /** Where it is a mapping: what can stand in it, in all depth. */
  readonly keys: readonly Param[];
}

function summarize(contract: StageContract) {
  const { name, kind, summary, inputs, output } = contract;
  return { name, kind, summary, inputs, output, params: paramsOf(contract) };
}

/** A list for each way in which the stage can be configured: most have one, `train` has one a model. */
function paramsOf(contract: StageContract): Param[][] {
  return alternatives(contract.params).map((option) =>
    fieldsOf(option).map(([name, schema]) => ({ ...paramOf(name, schema), keys: keysOf(schema) })),
  );
}

function paramOf(name: string, schema: z.ZodType): Param {
  const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>;
  return {
    name,
    role: roleOf(schema),
    takes: describe(schema),
    required: !schema.safeParse(undefined).success,
    insteadOf: [],
    ...('default' in shape && { default: shape.default }),
    description: schema.description ?? String(shape.description ?? ''),
    keys: [],
  };
}

/** The keys of the mapping that `schema` takes, if it takes one, or of each that it takes. */
function keysOf(schema: z.ZodType, prefix = ''): Param[] {
  const mappings = optionsOf(schema).filter((option) => option instanceof z.ZodObject);
  return mappings.flatMap((mapping) => {
    const others = mappings.filter((other) => other !== mapping).flatMap((other) => Object.keys(other.shape));
    return fieldsOf(mapping).flatMap(([name, field]) => [
      { ...paramOf(prefix + name, field), insteadOf: others.filter((other) => other !== name).map((n) => prefix + n) },
      ...keysOf(field, `${prefix}${name}.`),
    ]);
  });
}

function fieldsOf(mapping: z.ZodObject): [string, z.ZodType][] {
  return Object.entries(mapping.shape as Record<string, z.ZodType>);
}

function row(contract: StageContract): string[] {
  return [contract.name, contract.kind, takes(contract) || '–', contract.output, contract.summary];
}

function takes(contract: StageContract): string {
  return Object.values(contract.inputs)
    .map((rule) => rule.kind + (rule.count === 'some' || rule.count === 'any' ? '…' : ''))
    .join(', ');
}

function stageLines(contract: StageContract): string[] {
  const inputs = takes(contract);
  const { own, shared } = partShared(paramsOf(contract));
  return [
    `${contract.name} (${contract.kind}): ${contract.summary}`,
    `Takes ${inputs || 'nothing'}; makes ${contract.output}.`,
    ...own.flatMap((params) => ['', ...params.flat()]),
    ...shared.flatMap(({ names, params }) => ['', `${names} take these, too:`, '', ...params.flat()]),
    '',
    'Operational parameters do not change the result: another value finds the same stage finished.',
  ];
}

/**
 * What several ways take alike, once: the networks that are trained in steps share most of their parameters. Everything but the
 * default has to be alike; the default is then each one's own line.
 */
function partShared(ways: readonly Param[][]) {
  const lines = ways.map((params) => params.map((param) => paramLines(param)));
  const count = new Map<string, number>();
  for (const line of lines.flat()) count.set(line.join('\n'), (count.get(line.join('\n')) ?? 0) + 1);
  const most = Math.max(0, ...count.values());
  const isShared = (line: string[]) => most > 1 && count.get(line.join('\n')) === most;
  const takers = ways.flatMap((params, way) => (lines[way]?.some(isShared) ? [wayName(params)] : []));
  const seen = new Set<string>();
  const params = lines.flat().filter((line) => {
    const text = line.join('\n');
    if (!isShared(line) || seen.has(text)) return false;
    seen.add(text);
    return true;
  });
  return {
    own: lines.map((params) => params.filter((line) => !isShared(line))),
    shared: params.length > 0 ? [{ names: takers.join(', '), params }] : [],
  };
}

/** What its first parameter takes, which tells it from the other ways: "`vit`". */
function wayName([first]: readonly Param[]): string {
  return first?.takes ?? '';
}

function paramLines(param: Param, indent = '  '): string[] {
  const margin = indent + ' '.repeat(nameWidth + 1);
  return [
    `${indent}${param.name.padEnd(nameWidth)} ${param.takes} (${standing(param)})`,
    ...(param.description ? [margin + param.description] : []),
    ...param.keys.flatMap((key) => paramLines(key, `${indent}    `)),
  ];
}

const nameWidth = 16;

function standing({ role, required, insteadOf, ...param }: Param): string {
  const value =
    insteadOf.length > 0
      ? `instead of ${insteadOf.join(', ')}`
      : param.default !== undefined
        ? `default ${JSON.stringify(param.default)}`
        : required
          ? 'required'
          : 'optional';
  return role === 'operational' ? `${value}; operational` : value;
}
