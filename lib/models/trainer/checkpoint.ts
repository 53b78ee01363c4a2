/**
 * A training's state as one file that says what it is:
 *
 * ```
 * sha256 of everything behind this line, in hex, and a line feed
 * header as JSON on one line: format, position, shapes
 * tensors, little-endian float32, in the header's order
 * run log, JSON lines
 * ```
 */
import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { FurrowError } from '../../../contract/errors.ts';
import { floatsOf, floatsToBytes } from '../floats.ts';
import { readLargeFile, updateHash } from '../largeFile.ts';
import type { Position } from './position.ts';

export interface NamedTensor {
  /**
   * Of the network that learns: `weights/NAME`, `slots/SLOT/NAME` of the optimizer, `average/NAME`. Of the present cycle's best
   * epoch: `best/NAME` and `best predictions`. Of finished networks: `member/NUMBER/NAME`. Of all folds: `held out`.
   */
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface TrainingState {
  /** Digest of what the training depends on; a checkpoint of another training is refused. */
  readonly training: string;
  readonly position: Position;
  readonly tensors: readonly NamedTensor[];
  readonly runLog: Uint8Array;
}

interface Header {
  readonly format: 1;
  readonly training: string;
  readonly position: Position;
  readonly tensors: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly runLogBytes: number;
}

/**
 * Writes aside, then renames: a reader sees a whole file or none. When that fails nothing is left: on a full disk, what was
 * written in part would hold the last free bytes.
 *
 * @throws the system's error, as `ENOSPC`
 */
export async function writeCheckpoint(file: string, state: TrainingState): Promise<void> {
  const header: Header = {
    format: 1,
    training: state.training,
    position: state.position,
    tensors: state.tensors.map(({ name, shape }) => ({ name, shape })),
    runLogBytes: state.runLog.byteLength,
  };
  const parts = [
    Buffer.from(`${JSON.stringify(header)}\n`, 'utf8'),
    ...state.tensors.map(({ values }) => floatsToBytes(values)),
    state.runLog,
  ];
  const hash = createHash('sha256');
  for (const part of parts) updateHash(hash, part);
  const aside = `${file}.part`;
  try {
    await writeParts(aside, [Buffer.from(`${hash.digest('hex')}\n`, 'latin1'), ...parts]);
    await rename(aside, file);
  } catch (error) {
    await rm(aside, { force: true }).catch(() => {});
    throw error;
  }
}

async function writeParts(file: string, parts: readonly Uint8Array[]): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (const part of parts) await handle.writeFile(part);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @throws FurrowError `CHECKPOINT_INVALID` when the file is torn, altered, of another format or of another training */
export async function readCheckpoint(file: string, training: string): Promise<TrainingState> {
  const bytes = await readLargeFile(file);
  const lineEnd = bytes.indexOf('\n');
  const rest = bytes.subarray(lineEnd + 1);
  if (lineEnd !== 64 || updateHash(createHash('sha256'), rest).digest('hex') !== bytes.toString('latin1', 0, 64)) {
    throw invalid('is torn or was altered: its digest does not hold');
  }
  const header = JSON.parse(rest.toString('utf8', 0, rest.indexOf('\n'))) as Header;
  if (header.format !== 1) throw invalid(`is of format ${String(header.format)}, this program reads format 1`);
  if (header.training !== training) throw invalid('belongs to another training');
  let offset = rest.indexOf('\n') + 1;
  const tensors = header.tensors.map(({ name, shape }) => {
    const length = shape.reduce((product, size) => product * size, 1);
    const values = floatsOf(rest, offset, length);
    offset += length * 4;
    return { name, shape, values };
  });
  const runLog = new Uint8Array(rest.subarray(offset, offset + header.runLogBytes));
  return { training, position: header.position, tensors, runLog };
}

function invalid(what: string): FurrowError {
  return new FurrowError('CHECKPOINT_INVALID', `The checkpoint ${what}`);
}
