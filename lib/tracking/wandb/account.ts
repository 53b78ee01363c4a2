import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where W&B is, and who one is there. */
export interface Account {
  /** The address of its API, without a slash at its end. */
  readonly url: string;
  readonly key: string;
  /** `WANDB_API_KEY`, or the file that it was in. */
  readonly from: string;
}

export const hostedUrl = 'https://api.wandb.ai';

/** `WANDB_BASE_URL`, as W&B's own clients read it; else the hosted service. */
export function wandbUrl(env: NodeJS.ProcessEnv = process.env): string {
  return (env.WANDB_BASE_URL || hostedUrl).replace(/\/+$/, '');
}

/** `WANDB_API_KEY`, else what `wandb login` wrote to the netrc file. Undefined without a key. */
export async function findAccount(env: NodeJS.ProcessEnv = process.env): Promise<Account | undefined> {
  const url = wandbUrl(env);
  const key = env.WANDB_API_KEY?.trim();
  if (key) return { url, key, from: 'WANDB_API_KEY' };
  const found = await netrcKey(new URL(url).hostname, env);
  return found && { url, ...found };
}

/** The page of a run for people. */
export function runPage(url: string, entity: string, project: string, id: string): string {
  const app = url.replace('//api.wandb.ai', '//wandb.ai');
  return `${app}/${[entity, project, 'runs', id].map(encodeURIComponent).join('/')}`;
}

/** Of the machine's entry, or of the default one behind it. */
async function netrcKey(host: string, env: NodeJS.ProcessEnv): Promise<Pick<Account, 'key' | 'from'> | undefined> {
  const home = env.HOME || homedir();
  const files = env.NETRC ? [env.NETRC] : ['.netrc', '_netrc'].map((name) => join(home, name));
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '');
    const key = passwordOf(text, host);
    if (key) return { key, from: file };
  }
  return undefined;
}

/** A netrc file is words: `machine HOST login NAME password KEY`, in any lines; a macro definition ends at an empty line. */
function passwordOf(text: string, host: string): string | undefined {
  const withoutMacros = text.replace(/^\s*macdef\s[\s\S]*?(?:\n[ \t]*\n|$(?![\s\S]))/gm, '\n');
  const words = withoutMacros
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, ''))
    .join(' ')
    .split(/\s+/);
  let applies = false;
  for (const [index, word] of words.entries()) {
    if (word === 'machine') applies = words[index + 1] === host;
    else if (word === 'default') applies = true;
    else if (word === 'password' && applies) return words[index + 1];
  }
  return undefined;
}
