/** Undoes the differences between neighbours that were taken before a TIFF block was compressed. */

export interface PredictedBlock {
  /** Rows of `columns * stride` samples, changed in place. */
  readonly bytes: Uint8Array;
  readonly columns: number;
  /** Samples from a pixel to its right neighbour's same sample. */
  readonly stride: number;
  readonly sampleBytes: number;
  readonly littleEndian: boolean;
}

/** Predictor 2 (TIFF 6.0, section 14): each sample is the difference from its left neighbour, modulo its width, in the file's byte order. */
export function undoHorizontal({ bytes, columns, stride, sampleBytes, littleEndian }: PredictedBlock): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rowBytes = columns * stride * sampleBytes;
  const step = stride * sampleBytes;
  for (let row = 0; row + rowBytes <= bytes.length; row += rowBytes) {
    for (let at = row + step; at < row + rowBytes; at += sampleBytes) {
      if (sampleBytes === 1) bytes[at] = (bytes[at] as number) + (bytes[at - step] as number);
      else if (sampleBytes === 2) {
        view.setUint16(at, view.getUint16(at, littleEndian) + view.getUint16(at - step, littleEndian), littleEndian);
      } else if (sampleBytes === 4) {
        view.setUint32(at, view.getUint32(at, littleEndian) + view.getUint32(at - step, littleEndian), littleEndian);
      } else {
        view.setBigUint64(
          at,
          view.getBigUint64(at, littleEndian) + view.getBigUint64(at - step, littleEndian),
          littleEndian,
        );
      }
    }
  }
}

/**
 * Predictor 3 (Adobe Photoshop TIFF Technical Note 3): a row's floats are split into planes of bytes, the most significant first,
 * and each byte is the difference from the one before. Leaves big-endian floats, whatever the file's byte order.
 */
export function undoFloatingPoint({ bytes, columns, stride, sampleBytes }: PredictedBlock): void {
  const samples = columns * stride;
  const rowBytes = samples * sampleBytes;
  const planes = new Uint8Array(rowBytes);
  for (let start = 0; start + rowBytes <= bytes.length; start += rowBytes) {
    const row = bytes.subarray(start, start + rowBytes);
    for (let at = stride; at < rowBytes; at++) row[at] = (row[at] as number) + (row[at - stride] as number);
    planes.set(row);
    for (let sample = 0; sample < samples; sample++) {
      for (let byte = 0; byte < sampleBytes; byte++)
        row[sample * sampleBytes + byte] = planes[byte * samples + sample] as number;
    }
  }
}
