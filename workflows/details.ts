import type { RunRecord, StageState } from '../contract/messages.ts';

const marks: Record<StageState['status'], string> = {
  waiting: '·',
  running: '▶',
  finished: '✔',
  cached: '✔ (cached)',
  failed: '✘',
  skipped: '– (skipped)',
  cancelled: '– (cancelled)',
};

/** The run as the Temporal UI shows it while it goes on: a table of stages and their metrics, in Markdown. */
export function runDetails(record: RunRecord): string {
  const rows = record.stages.map(
    (stage) =>
      `| ${stage.name} | ${marks[stage.status]} ${stage.status === 'cached' ? '' : stage.status} | ${metricsText(stage)} |`,
  );
  const headline = record.headline ? `**${record.headline.name} ${number(record.headline.value)}**\n\n` : '';
  const failure = record.failure
    ? `**${record.failure.code}**: ${record.failure.message}\n\n${record.failure.action}\n\n`
    : '';
  return `${headline}${failure}| stage | state | metrics |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
}

function metricsText(stage: StageState): string {
  if (stage.failure) return stage.failure.code;
  if (stage.notice) return stage.notice;
  return Object.entries(stage.metrics ?? {})
    .slice(0, 6)
    .map(([name, value]) => `${name} ${number(value)}`)
    .join(', ');
}

function number(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}
