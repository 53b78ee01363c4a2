import { execFile } from 'node:child_process';
import type { Resources } from '../../../contract/runLog.ts';

/** Milliseconds: starting a program costs a large process some, however small the program is. */
const gpuLookEvery = 15_000;

/** What this process takes of its machine. The GPU is asked beside the training, which never waits for the answer. */
export class ResourceMeter {
  #last = { cpu: process.cpuUsage(), time: performance.now() };
  #gpu: Pick<Resources, 'gpu_percent' | 'gpu_memory_mb'> = {};
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    this.#lookAtGpu();
    this.#timer = setInterval(() => this.#lookAtGpu(), gpuLookEvery).unref();
  }

  /** CPU time since it was read last. */
  read(): Resources {
    const { cpu, time } = this.#last;
    const { user, system } = process.cpuUsage(cpu);
    this.#last = { cpu: process.cpuUsage(), time: performance.now() };
    const microseconds = (this.#last.time - time) * 1000;
    return {
      memory_mb: Math.round(process.memoryUsage.rss() / 2 ** 20),
      ...(microseconds > 0 && { cpu_percent: Math.round((100 * (user + system)) / microseconds) }),
      ...this.#gpu,
    };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** The first of those that this process may use. A machine without the driver's program is not asked again. */
  #lookAtGpu(): void {
    const [first] = (process.env.CUDA_VISIBLE_DEVICES ?? '0').split(',');
    const args = ['--query-gpu=utilization.gpu,memory.used', '--format=csv,noheader,nounits', `--id=${first || '0'}`];
    execFile('nvidia-smi', args, { timeout: gpuLookEvery }, (error, stdout) => {
      if (error) return this.stop();
      const [percent, memory] = stdout.split('\n')[0]?.split(',').map(Number) ?? [];
      if (Number.isFinite(percent) && Number.isFinite(memory))
        this.#gpu = { gpu_percent: percent as number, gpu_memory_mb: memory as number };
    }).unref();
  }
}
