import { createHash } from 'node:crypto';
import { Violation } from './violation.ts';

/** What stands for an image in a row or in the summary. */
export interface ImageValue {
  readonly _type: 'image-file';
  readonly path: string;
  readonly format: string;
  readonly sha256: string;
  readonly size: number;
  readonly width: number;
  readonly height: number;
}

export function imagesIn(row: Record<string, unknown>): ImageValue[] {
  return Object.values(row).filter((value) => (value as ImageValue | null)?._type === 'image-file') as ImageValue[];
}

/** That what a row shows was uploaded, and is what the row says of it. */
export function checkImage(
  { path, format, sha256, size, width, height }: ImageValue,
  files: ReadonlyMap<string, Buffer>,
): void {
  const bytes = files.get(path);
  if (!bytes) throw new Violation(`${path} is shown and was never uploaded`);
  if (bytes.length !== size) throw new Violation(`${path} has ${bytes.length} bytes, not ${size}`);
  const digest = createHash('sha256').update(bytes).digest('hex');
  if (digest !== sha256) throw new Violation(`${path} has another digest`);
  if (format !== 'png' || bytes.toString('latin1', 1, 4) !== 'PNG') throw new Violation(`${path} is no PNG`);
  if (bytes.readUInt32BE(16) !== width || bytes.readUInt32BE(20) !== height)
    throw new Violation(`${path} is not ${width}x${height}`);
}
