// @ts-check
// The Temporal CLI, which carries the dev server: on PATH, from the cache, downloaded as the SDK does it, or built by Go.
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asideOf, cacheRoot, sweep } from './cache.mjs';
import { downloadFile, fetchText } from './download.mjs';
import { reason, SetupFailure } from './failure.mjs';
import { goInstall, goVersion } from './goInstall.mjs';
import { withLock } from './lock.mjs';
import { temporal } from './pins.mjs';
import { mebibytes, startStep } from './progress.mjs';
import { extractFromTarGz } from './tar.mjs';
import {
  cachedTemporal,
  isBelow,
  MIN_SERVER,
  searchTemporal,
  TEMPORAL_VERSION,
  writeOrigin,
} from './temporal-find.mjs';
import { extractEntry, listZip } from './zip.mjs';

/** The same address as in the SDK: core-bridge/sdk-core/crates/sdk-core/src/ephemeral_server/mod.rs */
const DOWNLOADS = 'https://temporal.download/cli';
const ANSWER_MS = 10_000;
const GO_PACKAGE = 'github.com/temporalio/cli/cmd/temporal';
const VERSION_VARIABLE = 'github.com/temporalio/cli/temporalcli.Version';
const GO_MIN = '1.25.0';

/** Makes sure that a usable `temporal` is there, and says which ones were passed over. */
export async function ensureTemporal() {
  const search = searchTemporal();
  if (search.found) return;
  const step = startStep('Temporal CLI');
  for (const { path, why } of search.passedOver) step.note(`Temporal CLI: ${path} is passed over: ${why}`);
  const lock = join(cacheRoot(), 'temporal', '.lock');
  const onWait = () => step.update('waiting for another set-up that is installing it');
  try {
    await withLock(
      lock,
      async () => {
        // Another set-up may have finished it while this one waited.
        if (!searchTemporal().found) await obtain(step);
      },
      { onWait },
    );
    const { found } = searchTemporal();
    step.done(`Temporal CLI ${found?.version} (server ${found?.serverVersion}) is in place, from ${found?.from}`);
  } catch (error) {
    step.done();
    throw error;
  }
}

/** @param {import('./progress.mjs').Step} step */
async function obtain(step) {
  /** @type {string[]} */
  const reasons = [];
  const ways = [
    { from: 'temporal.download', run: download },
    { from: 'go install', run: build },
  ];
  const to = cachedTemporal();
  await mkdir(dirname(to), { recursive: true });
  await sweep(dirname(to), basename(to));
  for (const { from, run } of ways) {
    try {
      step.update(`trying ${from}`);
      await run(to, step);
      writeOrigin(to, { version: TEMPORAL_VERSION, from });
      const { found, passedOver } = searchTemporal();
      if (found) return;
      throw new Error(passedOver.find(({ path }) => path === to)?.why ?? 'it cannot be started');
    } catch (error) {
      reasons.push(`${from}: ${reason(error)}`);
    }
  }
  throw new SetupFailure({
    what: 'The Temporal CLI cannot be installed',
    why: reasons.join('\n       '),
    todo: [
      `install it (https://docs.temporal.io/cli#install) so that \`temporal\` is on PATH, with server ${MIN_SERVER} or later`,
      `or install Go ${GO_MIN} or later (https://go.dev/dl), from which the set-up builds it`,
      'or check that this machine reaches temporal.download (HTTPS_PROXY and NODE_EXTRA_CA_CERTS are honoured)',
      'then run `npm run setup` again',
    ],
  });
}

/**
 * @param {string} to
 * @param {import('./progress.mjs').Step} step
 */
async function download(to, step) {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const digests = /** @type {Record<string, string>} */ (temporal.sha256);
  const sha256 = digests[`${process.platform}-${process.arch}`];
  if (!sha256) throw new Error(`there is no release for ${process.platform} ${process.arch}`);
  const { text } = await fetchText(`${DOWNLOADS}/v${TEMPORAL_VERSION}?arch=${arch}&platform=${platform}`, {
    timeoutMs: ANSWER_MS,
  });
  const { archiveUrl, fileToExtract } = JSON.parse(text);
  const archive = join(cacheRoot(), 'downloads', `temporal-${TEMPORAL_VERSION}-${platform}-${arch}`);
  await downloadFile(archiveUrl, archive, {
    sha256,
    onBytes: (done, total) => step.update(`downloading ${mebibytes(done)}${total ? ` of ${mebibytes(total)}` : ''}`),
  });
  const aside = asideOf(to);
  try {
    if (new URL(archiveUrl).pathname.endsWith('.zip')) {
      const entry = (await listZip(archive)).find(({ name }) => name === fileToExtract);
      if (!entry) throw new Error(`${archiveUrl} holds no ${fileToExtract}`);
      await extractEntry(archive, entry, aside);
    } else {
      await extractFromTarGz(archive, fileToExtract, aside);
    }
    await chmod(aside, 0o755);
    await rename(aside, to);
  } finally {
    await rm(aside, { force: true });
    await rm(archive, { force: true });
  }
}

/**
 * @param {string} to
 * @param {import('./progress.mjs').Step} step
 */
async function build(to, step) {
  const go = await goVersion();
  if (isBelow(go, GO_MIN) && process.env.GOTOOLCHAIN === 'local')
    throw new Error(`Go is ${go}, ${GO_MIN} or later is needed`);
  step.note('Temporal CLI: built from source by Go, once for this user; this takes 2 to 5 minutes');
  const flags = ['-trimpath', '-ldflags', `-s -w -X ${VERSION_VARIABLE}=${TEMPORAL_VERSION}`];
  await goInstall(`${GO_PACKAGE}@v${TEMPORAL_VERSION}`, to, step, { flags });
}
