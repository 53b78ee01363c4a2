/** The official `dvc`, to make what is read here. */
import { execFileSync } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { findProgram } from '../../../testing/localServer.ts';

/** `FURROW_TEST_DVC`, as `npm test` sets it, else in the per-user cache. */
export const dvcProgram = findProgram('FURROW_TEST_DVC', 'test-servers/dvc-3.67.1/bin/dvc');

/** Runs commands of `dvc` and `git` in a folder. */
export function inFolder(folder: string) {
  const env = {
    ...process.env,
    PATH: [dirname(String(dvcProgram)), process.env.PATH].join(delimiter),
    // Else its client for Cloud Storage asks Google's own servers by gRPC, and waits.
    GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT: 'false',
    DVC_NO_ANALYTICS: '1',
    GIT_AUTHOR_NAME: 'test',
    GIT_AUTHOR_EMAIL: 'test@localhost',
    GIT_COMMITTER_NAME: 'test',
    GIT_COMMITTER_EMAIL: 'test@localhost',
  };
  return (program: 'dvc' | 'git', ...args: string[]): string =>
    execFileSync(program, args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
