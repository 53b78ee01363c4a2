// @ts-check
// Runs a program to its end, quietly: its output is kept for the failure message.
import { spawn } from 'node:child_process';

/** What is kept of the output: enough for a compiler's first errors. */
const KEPT_CHARS = 16_000;

/**
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutMs: number, shell?: boolean | undefined, onLine?: (line: string) => void }} options
 * @returns {Promise<string>} stdout and stderr together
 * @throws an Error with the end of the output when the program fails, is not found, or runs past `timeoutMs`
 */
export function runCommand(program, args, { cwd, env = process.env, timeoutMs, shell = false, onLine }) {
  return new Promise((resolve, reject) => {
    // A group of its own, so that what the program started ends with it.
    const grouped = process.platform !== 'win32';
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell,
      detached: grouped,
      windowsHide: true,
    });
    let output = '';
    let late = false;
    const stop = () => {
      try {
        if (grouped && child.pid) process.kill(-child.pid, 'SIGKILL');
        else child.kill('SIGKILL');
      } catch {
        // It ended by itself in the meantime.
      }
    };
    const timer = setTimeout(() => {
      late = true;
      stop();
    }, timeoutMs);
    const interrupted = () => {
      stop();
      process.exit(130);
    };
    process.once('SIGINT', interrupted);
    process.once('SIGTERM', interrupted);
    const finish = () => {
      clearTimeout(timer);
      process.removeListener('SIGINT', interrupted);
      process.removeListener('SIGTERM', interrupted);
    };
    const keep = (/** @type {Buffer} */ chunk) => {
      const text = chunk.toString('utf8');
      output = (output + text).slice(-KEPT_CHARS);
      if (onLine) for (const line of text.split('\n')) if (line.trim()) onLine(line.trim());
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (cause) => {
      finish();
      reject(new Error(`${program} cannot be started`, { cause }));
    });
    child.on('close', (code, signal) => {
      finish();
      if (late) reject(new Error(`${program} did not end within ${timeoutMs / 60_000} minutes\n${output.trim()}`));
      else if (code === 0) resolve(output);
      else reject(new Error(`${program} ended with ${signal ?? `exit code ${code}`}\n${output.trim()}`));
    });
  });
}
