// What `--help` says besides the options.

/** Examples under a command's options: what a person would type, and what comes of it. */
export const examples: Readonly<Record<string, readonly (readonly [command: string, effect: string])[]>> = {
  up: [
    ['furrow up', 'in the foreground, until Ctrl-C'],
    ['furrow up --detach', 'in the background, until `furrow down`'],
  ],
  down: [['furrow down', 'trainings checkpoint and go on after the next `furrow up`']],
  logs: [
    ['furrow logs -f', "the worker's log, as it grows"],
    ['furrow logs server -n 200', "Temporal's last 200 lines"],
    ['furrow logs --json | jq .[0]', 'one array; with --follow one object a line'],
  ],
  run: [
    ['furrow run', 'the nitrogen pipeline on synthetic plots'],
    ['furrow run my.yaml -s convnet.epochs=5 -s seed=7', 'with two values overridden'],
    ['furrow run my.yaml --refresh data,features', 'with two stages made again'],
    ['furrow run my.yaml --json > result.json', 'for a script; see the exit codes below'],
  ],
  watch: [
    ['furrow watch', 'the newest run'],
    ['furrow watch nitrogen-1a2b3c4d', 'that one'],
  ],
  show: [
    ['furrow show', 'the newest run'],
    ["furrow show nitrogen-1a2b3c4d --json | jq '.stages[].metrics'", 'numbers of every stage'],
  ],
  runs: [
    ['furrow runs --pipeline nitrogen -n 5', 'the newest five of one pipeline'],
    ['furrow runs --status failed', 'what went wrong'],
  ],
  retry: [
    ['furrow retry', 'every failed stage of the newest run'],
    ['furrow retry nitrogen-1a2b3c4d convnet -s convnet.batchSize=8', 'one stage, with another batch size'],
    ['furrow retry nitrogen-1a2b3c4d --detach', 'an ended run goes on as a new one of that id'],
  ],
  approve: [['furrow approve nitrogen-1a2b3c4d deploy', 'it starts at once, or when its turn comes']],
  pause: [['furrow pause', 'the newest run; the GPU is free within seconds']],
  resume: [['furrow resume', 'trainings go on from their checkpoints']],
  cancel: [
    ['furrow cancel', 'returns when it has ended'],
    ['furrow cancel nitrogen-1a2b3c4d --json', 'for a script'],
  ],
  reset: [
    ['furrow reset nitrogen-1a2b3c4d --to evaluate', 'what came before stands'],
    ['furrow reset --to features', 'what depends on it runs again where it comes out differently'],
  ],
  get: [
    ['furrow get evaluate', 'evaluation.json, predictions.csv and figures/ of the newest run'],
    ['furrow get image -r nitrogen-1a2b3c4d --to layout', 'an OCI layout, for skopeo or crane'],
  ],
  'data show': [
    ['furrow data show', 'version, source, plots of the newest run'],
    ["furrow data show nitrogen-1a2b3c4d --json | jq '.objects'", 'each object with its generation and md5'],
  ],
  'data diff': [
    ['furrow data diff', 'the newest run against the one before it'],
    ['furrow data diff nitrogen-1a2b3c4d nitrogen-5e6f7a8b', 'what the second has, and the first had not'],
  ],
  'tracking sync': [
    ['furrow tracking sync', 'the newest run; what W&B has already is not sent again'],
    ['furrow tracking sync --all', 'after days without a network'],
    ['furrow tracking sync nitrogen-1a2b3c4d --project trial', 'a run that was not tracked, into another project'],
  ],
  validate: [
    ['furrow validate my.yaml', 'every problem as file:line:column'],
    ['furrow validate my.yaml -s convnet.epochs=5', 'as `furrow run` would take it'],
  ],
  stages: [
    ['furrow stages', 'what `uses:` can say'],
    ['furrow stages train', 'what its `with:` can say'],
  ],
  schema: [['furrow schema > pipeline.schema.json', 'as configs/ holds it; `npm run schema` renews that']],
  worker: [
    ['furrow worker', 'all queues'],
    ['TEMPORAL_ADDRESS=temporal:7233 furrow worker -q train-gpu', 'a GPU machine of a team'],
  ],
  doctor: [
    ['furrow doctor', 'exits with 3 when something is missing'],
    ['furrow doctor my.yaml', 'and when a training needs more memory than is free here; some 10 s each'],
    ['furrow doctor my.yaml -s convnet.batchSize=64', 'the same with another batch size'],
    ["furrow doctor my.yaml --json | jq '.trainings[].estimate'", 'for a script: bytes and seconds'],
  ],
  gc: [
    ['furrow gc --dry-run', 'what could be freed in .furrow/store'],
    ['furrow gc --keep-runs 90d', 'and forget runs that ended before that'],
    ['furrow gc --store gs://bucket/furrow --json', 'a shared store; safe beside running work'],
  ],
  demo: [['npm run demo', 'sets up what is missing, then this']],
};

export function exampleLines(command: string): string {
  const lines = examples[command] ?? [];
  const width = Math.max(...lines.map(([text]) => text.length));
  return `\nExamples:\n${lines.map(([text, effect]) => `  ${text.padEnd(width)}   ${effect}\n`).join('')}`;
}

/** Under the help of every command: scripts depend on these. */
export const exitCodeLines = `
Exit codes:
  0    done; for run and watch: the run finished
  1    the run, or what was asked for, failed
  2    the command line or the pipeline file is wrong; nothing was started
  3    Temporal, the set-up or a worker is not there
  4    the run waits for a person, to retry or to approve; \`furrow show\` says what
  130  Ctrl-C: the run goes on without this command
`;

export const environmentLines = `
Environment:
  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_PROFILE, …   a Temporal other than the one of \`furrow up\`
  WANDB_API_KEY, WANDB_BASE_URL                               of the worker: Weights & Biases
  FURROW_HOME                                                 instead of ./.furrow: database, logs, what is up
  FURROW_DEBUG=1                                              stack traces of faults
`;
