/** A reader of `.wandb` files that shares nothing with their writer: where there is no Python, and for what its client does not show. */
import { crc32 } from 'node:zlib';
import { parse } from 'protobufjs';
import type { Json, JsonObject } from '../../../../../contract/json.ts';

/** Of wandb/proto/wandb_internal.proto (wandb 0.31.0), what is written here. */
const { root } = parse(
  `
  syntax = "proto3";
  message Record {
    int64 num = 1;
    oneof record_type {
      HistoryRecord history = 2; SummaryRecord summary = 3; FilesRecord files = 6; RunRecord run = 17;
      RunExitRecord exit = 18; HeaderRecord header = 21;
    }
  }
  message HeaderRecord { VersionInfo version_info = 1; }
  message VersionInfo { string producer = 1; string min_consumer = 2; }
  message RunRecord {
    string run_id = 1; string entity = 2; string project = 3; ConfigRecord config = 4; string run_group = 6;
    string job_type = 7; string display_name = 8; string notes = 9; repeated string tags = 10; Timestamp start_time = 17;
    GitRepoRecord git = 21;
  }
  message Timestamp { int64 seconds = 1; int32 nanos = 2; }
  message GitRepoRecord { string remote_url = 1; string commit = 2; }
  message ConfigRecord { repeated Item update = 1; }
  message HistoryRecord { repeated Item item = 1; HistoryStep step = 2; }
  message HistoryStep { int64 num = 1; }
  message SummaryRecord { repeated Item update = 1; }
  message Item { string key = 1; repeated string nested_key = 2; string value_json = 16; }
  message FilesRecord { repeated FilesItem files = 1; }
  message FilesItem { string path = 1; }
  message RunExitRecord { int32 exit_code = 1; int32 runtime = 2; }
`,
  { keepCase: true },
);

/** A part of a record, as it stands in a block. */
export interface Frame {
  readonly at: number;
  readonly type: 'full' | 'first' | 'middle' | 'last';
  readonly data: Buffer;
}

export const blockBytes = 32768;
const types = [undefined, 'full', 'first', 'middle', 'last'] as const;

/** @throws Error when anything in the file is not as the format says */
export function readFrames(file: Buffer): Frame[] {
  if (file.subarray(0, 7).toString('hex') !== '3a572642e1be00') throw new Error('Not a .wandb file');
  const frames: Frame[] = [];
  for (let at = 7; at < file.length; ) {
    const left = blockBytes - (at % blockBytes);
    if (left < 7) {
      if (file.subarray(at, at + left).some((byte) => byte !== 0))
        throw new Error(`The rest of a block at ${at} is not zero`);
      at += left;
      continue;
    }
    const end = at + 7 + file.readUInt16LE(at + 4);
    const type = types[file[at + 6] ?? 0];
    if (type === undefined || end > file.length || end - at > left) throw new Error(`No part of a record at ${at}`);
    if (crc32(file.subarray(at + 6, end)) !== file.readUInt32LE(at)) throw new Error(`Wrong sum at ${at}`);
    frames.push({ at, type, data: file.subarray(at + 7, end) });
    at = end;
  }
  return frames;
}

export function joinFrames(frames: readonly Frame[]): Buffer[] {
  const records: Buffer[] = [];
  let open: Buffer[] | undefined;
  for (const { at, type, data } of frames) {
    const begins = type === 'full' || type === 'first';
    if (begins !== (open === undefined)) throw new Error(`A part out of turn at ${at}: ${type}`);
    open = [...(open ?? []), data];
    if (type === 'middle' || type === 'first') continue;
    records.push(Buffer.concat(open));
    open = undefined;
  }
  if (open) throw new Error('The last record is cut');
  return records;
}

interface Item {
  readonly key?: string;
  readonly nested_key?: readonly string[];
  readonly value_json: string;
}

/** A `Record`: fields that are not in the file, or 0, are not here. */
export interface ReadRecord {
  readonly num: number;
  readonly header?: { readonly version_info: { readonly producer: string; readonly min_consumer: string } };
  readonly run?: JsonObject & { readonly config?: { readonly update: readonly Item[] } };
  readonly files?: { readonly files: readonly { readonly path: string }[] };
  readonly history?: { readonly item: readonly Item[]; readonly step: { readonly num?: number } };
  readonly summary?: { readonly update: readonly Item[] };
  readonly exit?: { readonly exit_code?: number };
}

export function readRecords(file: Buffer): ReadRecord[] {
  const Record = root.lookupType('Record');
  return joinFrames(readFrames(file)).map(
    (record) => Record.toObject(Record.decode(record), { longs: Number }) as ReadRecord,
  );
}

/** Values by their key, or by the keys that lead to them, joined by ` > `. */
export function valuesOf(items: readonly Item[]): Readonly<Record<string, Json>> {
  return Object.fromEntries(
    items.map(({ key, nested_key = [], value_json }) => [key ?? nested_key.join(' > '), JSON.parse(value_json)]),
  );
}
