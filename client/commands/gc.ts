import { durationSeconds } from '../../contract/duration.ts';
import { bytesText } from '../../lib/models/estimate/amounts.ts';
import { type Collected, collectGarbage } from '../../lib/store/collect/collect.ts';
import { shortestMinimumAge } from '../../lib/store/leases.ts';
import { openStore, storeUri } from '../../lib/store/store.ts';
import { exitCodes, type Output, UsageError } from '../output.ts';

export interface GcOptions {
  /** As a pipeline file names it. */
  readonly store: string;
  readonly dryRun?: boolean;
  readonly minAge: string;
  readonly keepRuns?: string;
}

/** `furrow gc`: frees what no run's record, alias, result or recent use of a store reaches. */
export async function gc(
  { store: place, dryRun = false, minAge, keepRuns }: GcOptions,
  output: Output,
): Promise<number> {
  const minimumAge = milliseconds('--min-age', minAge);
  if (minimumAge < shortestMinimumAge) {
    const hours = shortestMinimumAge / 3_600_000;
    throw new UsageError(
      `--min-age ${minAge} is shorter than a stage may take from its first file to its last`,
      `Give at least ${hours}h, and more where a stage has a longer \`timeout:\`.`,
    );
  }
  const store = await openStore(storeUri(place, process.cwd()), { create: false });
  const collected = await collectGarbage(store, {
    minimumAge,
    dryRun,
    ...(keepRuns !== undefined && { keepRuns: milliseconds('--keep-runs', keepRuns) }),
    onStep: (doing) => output.say(`${doing} …`),
  });
  output.answer({ store: store.location.uri, dryRun, ...collected }, () => lines(collected, dryRun));
  return exitCodes.ok;
}

function milliseconds(option: string, text: string): number {
  if (/^[1-9][0-9]{0,8}[smhd]$/.test(text)) return durationSeconds(text) * 1000;
  throw new UsageError(
    `${option}: expected a duration like 12h or 30d, got \`${text}\``,
    '`furrow help gc` shows the options.',
  );
}

const names: readonly (readonly [Exclude<keyof Collected, 'kept'>, string])[] = [
  ['runs', 'records of old runs'],
  ['results', 'results that no run names'],
  ['checkpoints', 'checkpoints of trainings that are over'],
  ['blobs', 'files that nothing refers to'],
  ['corrupt', 'damaged files set aside'],
  ['leftovers', 'unfinished writes and old values'],
];

function lines(collected: Collected, dryRun: boolean): string[] {
  const freed = names.map(([name]) => collected[name]);
  const found = names.flatMap(([name, what]) =>
    collected[name].count > 0 ? [`  ${collected[name].count} ${what}, ${bytesText(collected[name].bytes)}`] : [],
  );
  const bytes = freed.reduce((sum, each) => sum + each.bytes, 0);
  return [
    found.length === 0 ? 'Nothing to free' : `${dryRun ? 'Would free' : 'Freed'} ${bytesText(bytes)}:`,
    ...found,
    `Kept ${collected.kept.count} files, ${bytesText(collected.kept.bytes)}`,
  ];
}
