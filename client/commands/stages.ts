import { loadContracts } from '../../activities/attempt/catalog.ts';
import { alternatives, roleOf } from '../../contract/params.ts';
import type { StageContract } from '../../contract/stage.ts';
import { exitCodes, type Output, table } from '../output.ts';

/** `furrow stages [NAME]`: what a config can use, and with which parameters. */
export async function stages(name: string | undefined, output: Output): Promise<number> {
  const contracts = await loadContracts();
  const chosen =
    name === undefined ? [...contracts.values()] : [...contracts.values()].filter((contract) => contract.name === name);
  if (chosen.length === 0) {
    output.answer({ error: `no stage ${name}` }, () => [
      `There is no stage ${name}; there are ${[...contracts.keys()].join(', ')}`,
    ]);
    return exitCodes.usage;
  }
  output.answer(chosen.map(describe), () =>
    name === undefined
      ? table([['STAGE', 'KIND', 'TAKES', 'MAKES', ''], ...chosen.map(row)])
      : chosen.flatMap((contract) => [contract.summary, '', ...paramLines(contract)]),
  );
  return exitCodes.ok;
}

function row(contract: StageContract): string[] {
  const takes = Object.values(contract.inputs).map(
    (rule) => rule.kind + (rule.count === 'some' || rule.count === 'any' ? '…' : ''),
  );
  return [contract.name, contract.kind, takes.join(', ') || '–', contract.output, contract.summary];
}

function describe(contract: StageContract) {
  return {
    name: contract.name,
    kind: contract.kind,
    summary: contract.summary,
    inputs: contract.inputs,
    output: contract.output,
    params: alternatives(contract.params).map((option) =>
      Object.entries(option.shape).map(([param, schema]) => ({
        name: param,
        role: roleOf(schema as never),
        description: (schema as { description?: string }).description ?? '',
      })),
    ),
  };
}

function paramLines(contract: StageContract): string[] {
  return alternatives(contract.params).flatMap((option) => [
    ...table(
      Object.entries(option.shape).map(([param, schema]) => [
        `  ${param}`,
        roleOf(schema as never) ?? '',
        (schema as { description?: string }).description ?? '',
      ]),
    ),
    '',
  ]);
}
