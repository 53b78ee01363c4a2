import { execFile } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { entryPoint, productRoot } from '../../lib/code/root.ts';
import { parseSet } from '../../lib/config/overrides.ts';
import { findTemporalTarget } from '../../lib/connection/connection.ts';
import { homeFolder, readUpState } from '../../lib/home/home.ts';
import { runtimeClass } from '../../lib/models/runtimeClass.ts';
import { findAccount } from '../../lib/tracking/wandb/account.ts';
import { findTemporal, findTensorflow, MIN_SERVER, passedOverTemporals } from '../../setup/locate.mjs';
import { exitCodes, type Output, table } from '../output.ts';
import { problemLines, readPipeline } from '../pipelineFile.ts';

const backendCheck = 'training backend';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was found, which version, from where; or what is wrong. */
  readonly found: string;
  readonly action?: string;
}

/**
 * `furrow doctor`: what was found, from where, which version, and which backend will train. With a pipeline, also what its
 * trainings will take of memory and time.
 */
export async function doctor(
  file: string | undefined,
  options: { set?: readonly string[] },
  output: Output,
): Promise<number> {
  const checks = [node(), temporal(), tensorflow(), await backend(), await server(), await wandb()];
  const healthy = checks.every((check) => check.ok);
  const code = healthy ? exitCodes.ok : exitCodes.unavailable;
  const lines = () => [
    ...table(checks.map((check) => [check.ok ? '✔' : '✘', check.name, check.found])),
    ...checks.flatMap((check) => (check.action ? ['', `${check.name}: ${check.action}`] : [])),
  ];
  if (file === undefined) {
    output.answer({ healthy, checks }, lines);
    return code;
  }
  // Before the trainings, which take a while.
  for (const line of lines()) output.say(line);
  return examinePipeline(file, options, { healthy, checks }, output);
}

async function examinePipeline(
  file: string,
  { set = [] }: { set?: readonly string[] },
  machine: { readonly healthy: boolean; readonly checks: readonly Check[] },
  output: Output,
): Promise<number> {
  const { content, outcome } = await readPipeline(file, parseSet(set));
  if (!outcome.ok) {
    output.answer({ ...machine, file, valid: false, problems: outcome.problems }, () => problemLines(outcome.problems));
    return exitCodes.usage;
  }
  if (!machine.checks.find(({ name }) => name === backendCheck)?.ok) {
    output.answer({ ...machine, file, valid: true }, () => [
      `${content.file}: not measured, as nothing can train here`,
    ]);
    return exitCodes.unavailable;
  }
  const { examineTrainings, isSound, reportLines } = await import('./doctorConfig.ts');
  const report = await examineTrainings(outcome.pipeline, (line) => process.stderr.write(`measuring ${line}\n`));
  const healthy = machine.healthy && isSound(report);
  output.answer({ ...machine, healthy, file, valid: true, ...report }, () => ['', ...reportLines(report)]);
  if (report.trainings.some((training) => training.kind === 'failed' && training.code === 'CONFIG_INVALID'))
    return exitCodes.usage;
  return healthy ? exitCodes.ok : exitCodes.unavailable;
}

function node(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 20);
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB memory`;
  return {
    name: 'Node',
    ok,
    found: `${process.versions.node} on ${process.platform}-${process.arch}, ${availableParallelism()} cores, ${memory}`,
    ...(!ok && { action: 'install Node 20.20 or later' }),
  };
}

function temporal(): Check {
  const cli = findTemporal();
  const passedOver = passedOverTemporals().map(({ path, why }) => `; passed over ${path}: ${why}`);
  if (cli) {
    return {
      name: 'Temporal CLI',
      ok: true,
      found: `${cli.version} (server ${cli.serverVersion}), from ${cli.from}: ${cli.path}${passedOver.join('')}`,
    };
  }
  return {
    name: 'Temporal CLI',
    ok: false,
    found: `not found (server ${MIN_SERVER} or later is needed)${passedOver.join('')}`,
    action: 'run `npm run setup`',
  };
}

function tensorflow(): Check {
  const found = findTensorflow(productRoot);
  if ('missing' in found)
    return { name: 'libtensorflow', ok: false, found: found.missing, action: 'run `npm run setup`' };
  return { name: 'libtensorflow', ok: true, found: `${found.version}, from ${found.origin}` };
}

/** In a process of its own: what trains is loaded there, too, and a library that crashes must not take the doctor along. */
async function backend(): Promise<Check> {
  const name = backendCheck;
  const failed = (reason: string): Check => ({
    name,
    ok: false,
    found: reason,
    action: 'training is refused without it; run `npm run setup`',
  });
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [entryPoint('lib/models/child/probeMain.ts')], {
      timeout: 60_000,
    });
    const answer = JSON.parse(stdout.slice(stdout.indexOf('{')));
    if (!answer.ok) return failed(answer.reason);
    const { threads, instructions } = runtimeClass('tensorflow');
    return {
      name,
      ok: true,
      found: `${answer.backend} on the CPU, ${threads} threads, ${instructions}; loaded in ${answer.milliseconds} ms`,
    };
  } catch (error) {
    return failed((error as Error).message.split('\n')[0] ?? 'it could not be started');
  }
}

/** Nobody is asked: whether W&B takes the key shows with the first run. */
async function wandb(): Promise<Check> {
  const account = await findAccount();
  const found = account ? `a key for ${account.url}, from ${account.from}` : 'no key here: runs are not shown there';
  return { name: 'Weights & Biases', ok: true, found };
}

async function server(): Promise<Check> {
  const name = 'Temporal server';
  const target = await findTemporalTarget(homeFolder());
  if (!target) return { name, ok: true, found: 'none is up here; `furrow up` starts one' };
  const up = readUpState(homeFolder());
  try {
    const { connectTo } = await import('../connect.ts');
    const { client } = await connectTo(target);
    await client.workflowService.getSystemInfo({});
    return {
      name,
      ok: true,
      found: `${target.address}, namespace ${target.namespace}, from ${target.from}${up?.phase === 'ready' ? `, UI ${up.ui}` : ''}`,
    };
  } catch (error) {
    return {
      name,
      ok: false,
      found: (error as Error).message,
      action: 'start it with `furrow up`, or check TEMPORAL_ADDRESS',
    };
  }
}
