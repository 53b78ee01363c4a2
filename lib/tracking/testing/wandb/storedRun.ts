/** A run as the server keeps it, with every rule that a client must keep to: what breaks one is refused and remembered. */
import { checkImage, type ImageValue, imagesIn } from './images.ts';
import { parseObject, Violation } from './violation.ts';

export type RunState = 'running' | 'finished' | 'failed' | 'killed';

export interface UpsertInput {
  readonly displayName?: string | null;
  readonly groupName?: string | null;
  readonly jobType?: string | null;
  readonly notes?: string | null;
  readonly commit?: string | null;
  readonly tags?: readonly string[] | null;
  readonly config?: string | null;
  readonly summaryMetrics?: string | null;
}

interface FileChunk {
  readonly offset: number;
  readonly content: readonly string[];
}

export interface FileStreamBody {
  readonly files?: Readonly<Record<string, FileChunk>>;
  readonly complete?: boolean;
  readonly exitcode?: number;
  readonly uploaded?: readonly string[];
  readonly dropped?: number;
  readonly preempting?: boolean;
}

/** Who sends: the official client's own process names itself so; our sender and the SDK are the others. */
export type Client = 'wandb-core' | 'other';

const bodyFields = ['files', 'complete', 'exitcode', 'uploaded', 'dropped', 'preempting'];
const streams = ['wandb-history.jsonl', 'wandb-summary.json', 'wandb-events.jsonl', 'output.log'];

export class StoredRun {
  readonly entity: string;
  readonly project: string;
  readonly name: string;
  state: RunState = 'running';
  exitCode: number | undefined;
  upserted: UpsertInput = {};
  /** Requests that created or opened it. */
  upserts = 0;
  summary: Record<string, unknown> = {};
  readonly files = new Map<string, Buffer>();
  /** Rows that came again with the same content at the same place. */
  repeatedRows = 0;
  /** Rows whose step is not above that of the row before: `wandb sync` of a run that is there already. */
  rowsOfEarlierSteps = 0;
  heartbeats = 0;
  /** All that was said to be uploaded. */
  readonly uploaded = new Set<string>();
  readonly #history: string[] = [];
  readonly #events: string[] = [];
  readonly #output: string[] = [];

  constructor(entity: string, project: string, name: string) {
    this.entity = entity;
    this.project = project;
    this.name = name;
  }

  rows(): Record<string, unknown>[] {
    return this.#history.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  get config(): Record<string, unknown> {
    const wrapped = JSON.parse(this.upserted.config ?? '{}') as Record<string, { value?: unknown }>;
    return Object.fromEntries(Object.entries(wrapped).map(([name, item]) => [name, item?.value]));
  }

  lines(stream: 'wandb-history.jsonl' | 'wandb-events.jsonl' | 'output.log'): readonly string[] {
    return { 'wandb-history.jsonl': this.#history, 'wandb-events.jsonl': this.#events, 'output.log': this.#output }[
      stream
    ];
  }

  upsert(input: UpsertInput): void {
    if (input.config != null) {
      const config = parseObject(input.config, 'config');
      for (const [name, item] of Object.entries(config)) {
        if (name !== '_wandb' && (typeof item !== 'object' || item === null || !('value' in item)))
          throw new Violation(`config.${name} is not of the form {"value": …}`);
      }
    }
    if (input.summaryMetrics != null) this.summary = parseObject(input.summaryMetrics, 'summaryMetrics');
    const said = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null && value !== undefined));
    this.upserted = { ...this.upserted, ...said };
    this.upserts++;
    this.state = 'running';
    this.exitCode = undefined;
  }

  stream(body: FileStreamBody, client: Client): void {
    const unknown = Object.keys(body).find((field) => !bodyFields.includes(field));
    if (unknown !== undefined) throw new Violation(`unknown field ${unknown} of file_stream`);
    const { files = {}, complete, exitcode, uploaded = [] } = body;
    // What a client did not hear the answer of, it says again.
    const isRepeated = complete === true && exitcode === this.exitCode;
    if (this.state !== 'running' && !isRepeated)
      throw new Violation('a file_stream request after the run was complete');
    if (Object.keys(files).length === 0 && uploaded.length === 0 && complete === undefined) this.heartbeats++;
    for (const [name, chunk] of Object.entries(files)) this.#take(name, chunk, client);
    for (const name of uploaded) {
      if (!this.files.has(name)) throw new Violation(`${name} is said to be uploaded and is not there`);
      this.uploaded.add(name);
    }
    if (complete === true) this.#complete(exitcode);
  }

  #take(name: string, { offset, content }: FileChunk, client: Client): void {
    if (!streams.includes(name)) throw new Violation(`unknown stream ${name}`);
    if (!Number.isInteger(offset) || offset < 0) throw new Violation(`${name}: offset ${offset}`);
    if (!Array.isArray(content) || content.some((line) => typeof line !== 'string'))
      throw new Violation(`${name}: content is no list of texts`);
    if (name === 'wandb-summary.json') {
      if (content.length !== 1 || offset !== 0) throw new Violation('the summary is one line at offset 0');
      this.summary = parseObject(content[0] as string, name);
      return;
    }
    if (name === 'wandb-history.jsonl') {
      for (const [index, line] of content.entries()) this.#row(offset + index, line, client);
      return;
    }
    const known = name === 'output.log' ? this.#output : this.#events;
    if (offset > known.length) throw new Violation(`${name}: a gap before offset ${offset}`);
    if (known === this.#events) for (const line of content) checkTimes(parseObject(line, name), name);
    // Lines may come again as others: a progress bar overwrites its own.
    known.splice(offset, content.length, ...content);
  }

  #row(place: number, line: string, client: Client): void {
    if (place > this.#history.length) throw new Violation(`a gap: row ${place} after ${this.#history.length} rows`);
    const known = this.#history[place];
    if (known !== undefined) {
      if (known !== line) throw new Violation(`row ${place} came again as another: ${known} / ${line}`);
      this.repeatedRows++;
      return;
    }
    const row = parseObject(line, `row ${place}`);
    const step = row._step;
    if (!Number.isInteger(step)) throw new Violation(`row ${place} has _step ${JSON.stringify(step)}`);
    checkTimes(row, `row ${place}`);
    const before = JSON.parse(this.#history.at(-1) ?? '{"_step":-1}') as { _step: number };
    if ((step as number) <= before._step) {
      // `wandb sync` of wandb 0.31.0 asks how many rows there are and sends the whole file from there on, whatever they are.
      if (client !== 'wandb-core') throw new Violation(`row ${place} has step ${step} after ${before._step}`);
      this.rowsOfEarlierSteps++;
    }
    for (const [name, value] of Object.entries(row)) {
      if (value === null) throw new Violation(`row ${place}: ${name} is null: it was no finite number`);
    }
    this.#history.push(line);
  }

  #complete(exitCode: number | undefined): void {
    if (!Number.isInteger(exitCode)) throw new Violation('complete without an exit code');
    this.exitCode = exitCode;
    this.state = exitCode === 0 ? 'finished' : exitCode === 255 ? 'killed' : 'failed';
    for (const image of [...this.images(), ...imagesIn(this.summary)]) checkImage(image, this.files);
  }

  images(): ImageValue[] {
    return this.rows().flatMap(imagesIn);
  }
}

function checkTimes(line: Record<string, unknown>, what: string): void {
  for (const name of ['_timestamp', '_runtime'])
    if (typeof line[name] !== 'number') throw new Violation(`${what} has no ${name}`);
}
