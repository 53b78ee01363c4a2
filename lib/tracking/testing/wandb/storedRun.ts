/** A run as the server keeps it, with every rule that a client must keep to: what breaks one is refused and remembered. */
import { createHash } from 'node:crypto';

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
}

interface ImageValue {
  readonly _type: 'image-file';
  readonly path: string;
  readonly format: string;
  readonly sha256: string;
  readonly size: number;
  readonly width: number;
  readonly height: number;
}

/** A request that breaks a rule of the protocol. */
export class Violation extends Error {}

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
  heartbeats = 0;
  readonly #history: string[] = [];
  readonly #lines = new Map<string, number>();

  constructor(entity: string, project: string, name: string) {
    this.entity = entity;
    this.project = project;
    this.name = name;
  }

  get historyLines(): readonly string[] {
    return this.#history;
  }

  rows(): Record<string, unknown>[] {
    return this.#history.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  get config(): Record<string, unknown> {
    const wrapped = JSON.parse(this.upserted.config ?? '{}') as Record<string, { value?: unknown }>;
    return Object.fromEntries(Object.entries(wrapped).map(([name, item]) => [name, item?.value]));
  }

  lineCount(stream: string): number {
    return stream === 'wandb-history.jsonl' ? this.#history.length : (this.#lines.get(stream) ?? 0);
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

  stream(body: FileStreamBody): void {
    const { files = {}, complete, exitcode } = body;
    // What a client did not hear the answer of, it says again.
    const isRepeated = complete === true && exitcode === this.exitCode;
    if (this.state !== 'running' && !isRepeated)
      throw new Violation('a file_stream request after the run was complete');
    if (Object.keys(files).length === 0 && complete === undefined) this.heartbeats++;
    for (const [name, chunk] of Object.entries(files)) this.#take(name, chunk);
    if (complete === true) this.#complete(exitcode);
  }

  #take(name: string, { offset, content }: FileChunk): void {
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
      for (const [index, line] of content.entries()) this.#row(offset + index, line);
      return;
    }
    if (offset > this.lineCount(name)) throw new Violation(`${name}: a gap before offset ${offset}`);
    this.#lines.set(name, Math.max(this.lineCount(name), offset + content.length));
  }

  #row(place: number, line: string): void {
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
    for (const name of ['_timestamp', '_runtime'])
      if (typeof row[name] !== 'number') throw new Violation(`row ${place} has no ${name}`);
    const before = JSON.parse(this.#history.at(-1) ?? '{"_step":-1}') as { _step: number };
    if ((step as number) <= before._step) throw new Violation(`row ${place} has step ${step} after ${before._step}`);
    for (const [name, value] of Object.entries(row)) {
      if (value === null) throw new Violation(`row ${place}: ${name} is null: it was no finite number`);
    }
    this.#history.push(line);
  }

  #complete(exitCode: number | undefined): void {
    if (!Number.isInteger(exitCode)) throw new Violation('complete without an exit code');
    this.exitCode = exitCode;
    this.state = exitCode === 0 ? 'finished' : exitCode === 255 ? 'killed' : 'failed';
    for (const image of [...this.images(), ...imagesIn(this.summary)]) this.#checkImage(image);
  }

  images(): ImageValue[] {
    return this.rows().flatMap(imagesIn);
  }

  #checkImage({ path, format, sha256, size, width, height }: ImageValue): void {
    const bytes = this.files.get(path);
    if (!bytes) throw new Violation(`${path} is shown and was never uploaded`);
    if (bytes.length !== size) throw new Violation(`${path} has ${bytes.length} bytes, not ${size}`);
    const digest = createHash('sha256').update(bytes).digest('hex');
    if (digest !== sha256) throw new Violation(`${path} has another digest`);
    if (format !== 'png' || bytes.toString('latin1', 1, 4) !== 'PNG') throw new Violation(`${path} is no PNG`);
    if (bytes.readUInt32BE(16) !== width || bytes.readUInt32BE(20) !== height)
      throw new Violation(`${path} is not ${width}x${height}`);
  }
}

function imagesIn(row: Record<string, unknown>): ImageValue[] {
  return Object.values(row).filter((value) => (value as ImageValue | null)?._type === 'image-file') as ImageValue[];
}

function parseObject(text: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Violation(`${what} is no JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Violation(`${what} is no object`);
  return value as Record<string, unknown>;
}
