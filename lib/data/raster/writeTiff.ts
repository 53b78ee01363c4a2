/** Writes a single-band, uncompressed, little-endian float32 TIFF in one strip: the same bytes for the same pixels. */
export function writeTiff(width: number, height: number, pixels: Float32Array): Uint8Array {
  if (pixels.length !== width * height) throw new RangeError(`Expected ${width * height} pixels, got ${pixels.length}`);
  const entries: readonly (readonly [tag: number, type: number, value: number])[] = [
    [256, long, width],
    [257, long, height],
    [258, short, 32], // BitsPerSample
    [259, short, 1], // Compression: none
    [262, short, 1], // PhotometricInterpretation: black is zero
    [273, long, pixelsAt], // StripOffsets
    [277, short, 1], // SamplesPerPixel
    [278, long, height], // RowsPerStrip
    [279, long, pixels.length * 4], // StripByteCounts
    [284, short, 1], // PlanarConfiguration
    [339, short, 3], // SampleFormat: IEEE float
  ];
  const bytes = new Uint8Array(pixelsAt + pixels.length * 4);
  const view = new DataView(bytes.buffer);
  bytes.set([0x49, 0x49, 42, 0, 8, 0, 0, 0]);
  view.setUint16(8, entries.length, true);
  entries.forEach(([tag, type, value], index) => {
    const at = 10 + index * 12;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    view.setUint32(at + 4, 1, true);
    view.setUint32(at + 8, value, true);
  });
  for (let i = 0; i < pixels.length; i++) view.setFloat32(pixelsAt + i * 4, pixels[i] as number, true);
  return bytes;
}

const short = 3;
const long = 4;
/** Behind the header (8 bytes) and 11 entries (2 + 11 * 12 + 4), aligned to 16. */
const pixelsAt = 160;
