// @ts-check
// Records the history of a run, for test/replay.test.ts: node scripts/recordHistory.mjs WORKFLOW_ID FILE
// It asks the server that TEMPORAL_ADDRESS names, else what `furrow up` runs here (FURROW_HOME). See test/histories/README.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';

const { History } = proto.temporal.api.history.v1;

/** Bytes that a recorded history may have: a repository keeps it for ever. */
const largest = 60_000;

/** What histories hold of the machine that they were recorded on, and replaying does not look at. */
const machineKeys = new Set(['identity', 'stackTrace', 'workerVersion', 'buildId', 'binaryChecksum']);

/** A worker's own queue, named by process and host. */
const stickyQueue = /^\d+@.+-[0-9a-f]{32}$/;

const [workflowId, file] = process.argv.slice(2);
if (!workflowId || !file) fail('Usage: node scripts/recordHistory.mjs WORKFLOW_ID FILE');

const connection = await Connection.connect({ address: address() });
const history = await new Client({ connection }).workflow.getHandle(workflowId).fetchHistory();
await connection.close();
const { events } = History.toObject(History.fromObject(history), { longs: String, enums: String, bytes: String });
const lines = events.map((/** @type {unknown} */ event) =>
  JSON.stringify(event, (key, value) => {
    if (machineKeys.has(key)) return undefined;
    return typeof value === 'string' && stickyQueue.test(value) ? 'sticky' : value;
  }),
);
const text = `{"events":[\n${lines.join(',\n')}\n]}\n`;
if (text.length > largest)
  fail(`The history has ${text.length} bytes; keep it under ${largest} with a smaller pipeline`);
writeFileSync(file, text);
process.stdout.write(`${file}: ${events.length} events, ${text.length} bytes\n`);

function address() {
  if (process.env.TEMPORAL_ADDRESS) return process.env.TEMPORAL_ADDRESS;
  const state = join(resolve(process.env.FURROW_HOME ?? '.furrow'), 'up.json');
  try {
    return JSON.parse(readFileSync(state, 'utf8')).address;
  } catch {
    fail('Nothing is up here: start it with `furrow up --detach`, or set TEMPORAL_ADDRESS');
  }
}

/** @param {string} message @returns {never} */
function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
