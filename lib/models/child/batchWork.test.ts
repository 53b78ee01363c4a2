import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { batchWork, isAllowed } from './batchWork.ts';

describe('batchWork', () => {
  it.skipIf(!isAllowed())('runs a command as batch work, in the process that was started', async () => {
    const [program, args] = batchWork('sh', ['-c', 'echo $$; cat /proc/$$/sched']);
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const [pid, ...sched] = (await text(child.stdout)).split('\n');
    expect(Number(pid)).toBe(child.pid);
    // 3 is SCHED_BATCH.
    expect(sched.join('\n')).toMatch(/^policy\s*:\s*3$/m);
  });

  it('leaves the command as it is where the policy cannot be set', () => {
    expect(batchWork('node', ['a', 'b'], false)).toEqual(['node', ['a', 'b']]);
  });
});
