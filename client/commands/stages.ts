import { z } from 'zod';
import { loadContracts } from '../../activities/attempt/catalog.ts';
import { alternatives, type ParamRole, roleOf } from '../../contract/params.ts';
import type { StageContract } from '../../contract/stage.ts';
import { suggest } from '../../contract/suggest.ts';
import { describe } from '../../lib/config/describe.ts';
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
  readonly name: string;
  readonly role: ParamRole | undefined;
  /** What it takes, as the end of a sentence. */
  readonly takes: string;
  readonly required: boolean;
  readonly default?: unknown;
  readonly description: string;
}

function summarize(contract: StageContract) {
  const { name, kind, summary, inputs, output } = contract;
  return { name, kind, summary, inputs, output, params: paramsOf(contract) };
}

/** A list for each way in which the stage can be configured: most have one, `train` has one a model. */
function paramsOf(contract: StageContract): Param[][] {
  return alternatives(contract.params).map((option) =>
    Object.entries(option.shape as Record<string, z.ZodType>).map(([name, schema]) => {
      const shape = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>;
      return {
        name,
        role: roleOf(schema),
        takes: describe(schema),
        required: !schema.safeParse(undefined).success,
        ...('default' in shape && { default: shape.default }),
        description: schema.description ?? String(shape.description ?? ''),
      };
    }),
  );
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
  return [
    `${contract.name} (${contract.kind}): ${contract.summary}`,
    `Takes ${inputs || 'nothing'}; makes ${contract.output}.`,
    ...paramsOf(contract).flatMap((params) => ['', ...params.flatMap(paramLines)]),
    '',
    'Operational parameters do not change the result: another value finds the same stage finished.',
  ];
}

function paramLines(param: Param): string[] {
  const value =
    param.default === undefined
      ? param.required
        ? 'required'
        : 'optional'
      : `default ${JSON.stringify(param.default)}`;
  const role = param.role === 'operational' ? '; operational' : '';
  return [
    `  ${param.name.padEnd(16)} ${param.takes} (${value}${role})`,
    ...(param.description ? [`  ${''.padEnd(16)} ${param.description}`] : []),
  ];
}
