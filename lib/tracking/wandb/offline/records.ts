/**
 * The records of a run, as wandb/proto/wandb_internal.proto (wandb 0.31.0) has them. Each number is a field of the message that
 * the line around it names.
 */
import type { Json, JsonObject } from '../../../../contract/json.ts';
import type { HistoryRow, TrackedRun, TrackedState } from '../../trackedRun.ts';
import { exitCodes } from '../exitCodes.ts';
import type { ProtobufEncoder } from './protobuf.ts';

/** A `Record`, but for its number. */
export type WandbRecord = (record: ProtobufEncoder) => void;

/** The release whose format this is, and the oldest that reads it: what 0.31.0 writes. */
const [producer, minConsumer] = ['0.31.0+furrow', '0.70.0'];

/** `Record.num` */
export function numbered(num: number, record: WandbRecord): WandbRecord {
  return (to) => {
    to.integer(1, num);
    record(to);
  };
}

/** `Record.header`, a `HeaderRecord` */
export const headerRecord: WandbRecord = (record) =>
  record.message(21, (header) => {
    header.message(1 /* version_info: VersionInfo */, (version) => {
      version.text(1 /* producer */, producer);
      version.text(2 /* min_consumer */, minConsumer);
    });
  });

/** `Record.run`, a `RunRecord` */
export function runRecord(run: TrackedRun): WandbRecord {
  return (record) =>
    record.message(17, (to) => {
      to.text(1 /* run_id */, run.id);
      to.text(2 /* entity */, run.entity);
      to.text(3 /* project */, run.project);
      to.message(4 /* config: ConfigRecord */, (config) => {
        for (const [key, value] of Object.entries(run.config)) {
          config.message(1 /* update: ConfigItem */, (item) => {
            item.text(1 /* key */, key);
            item.text(16 /* value_json */, JSON.stringify(value));
          });
        }
      });
      to.text(6 /* run_group */, run.group);
      to.text(7 /* job_type */, run.jobType);
      to.text(8 /* display_name */, run.name);
      to.text(9 /* notes */, run.notes);
      for (const tag of run.tags) to.text(10 /* tags */, tag);
      to.message(17 /* start_time: google.protobuf.Timestamp */, (time) => {
        const started = Date.parse(run.startedAt);
        time.integer(1 /* seconds */, Math.floor(started / 1000));
        time.integer(2 /* nanos */, (started % 1000) * 1e6);
      });
      if (run.commit !== undefined) {
        to.message(21 /* git: GitRepoRecord */, (git) => git.text(2 /* commit */, run.commit));
      }
    });
}

/** `Record.history`, a `HistoryRecord` */
export function historyRecord(row: HistoryRow): WandbRecord {
  return (record) =>
    record.message(2, (history) => {
      items(history, row);
      history.message(2 /* step: HistoryStep */, (step) => step.integer(1 /* num */, row._step));
    });
}

/** `Record.summary`, a `SummaryRecord` */
export function summaryRecord(summary: JsonObject): WandbRecord {
  return (record) => record.message(3, (to) => items(to, summary));
}

/** `Record.files`, a `FilesRecord`: what is uploaded of the folder `files`. */
export function filesRecord(paths: readonly string[]): WandbRecord {
  return (record) =>
    record.message(6, (files) => {
      for (const path of paths) files.message(1 /* files: FilesItem */, (item) => item.text(1 /* path */, path));
    });
}

/** `Record.exit`, a `RunExitRecord`; none of a run of which nobody said how it ended. */
export function exitRecord(state: TrackedState): WandbRecord | undefined {
  const exitCode = exitCodes[state];
  if (exitCode === undefined) return undefined;
  return (record) => record.message(18, (exit) => exit.integer(1 /* exit_code */, exitCode));
}

/** Of `HistoryRecord` and `SummaryRecord` alike: an item for each value that is no object, under the keys that lead to it. */
function items(to: ProtobufEncoder, value: JsonObject, path: readonly string[] = []): void {
  for (const [key, inner] of Object.entries(value)) {
    if (isObject(inner)) items(to, inner, [...path, key]);
    else {
      to.message(1 /* item: HistoryItem, update: SummaryItem */, (item) => {
        for (const part of path) item.text(2 /* nested_key */, part);
        item.text(2 /* nested_key */, key);
        item.text(16 /* value_json */, JSON.stringify(inner));
      });
    }
  }
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
