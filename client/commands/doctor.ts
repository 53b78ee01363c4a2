import { execFile } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { entryPoint, productRoot } from '../../lib/code/root.ts';
import { findTemporalTarget } from '../../lib/connection/connection.ts';
import { homeFolder, readUpState } from '../../lib/home/home.ts';
import { runtimeClass } from '../../lib/models/runtimeClass.ts';
import { findTemporal, findTensorflow, MIN_SERVER, passedOverTemporals } from '../../setup/locate.mjs';
import { exitCodes, type Output, table } from '../output.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was found, which version, from where; or what is wrong. */
  readonly found: string;
  readonly action?: string;
}

/** `furrow doctor`: what was found, from where, which version, and which backend will train. */
export async function doctor(output: Output): Promise<number> {
  const checks = [node(), temporal(), tensorflow(), await backend(), await server()];
  const healthy = checks.every((check) => check.ok);
  output.answer({ healthy, checks }, () => [
    ...table(checks.map((check) => [check.ok ? '✔' : '✘', check.name, check.found])),
    ...checks.flatMap((check) => (check.action ? ['', `${check.name}: ${check.action}`] : [])),
  ]);
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
  const name = 'training backend';
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
