/** A program for tests: writes a checkpoint of 4 MiB to the file that it is told, and says by which error it failed. */
import { writeCheckpoint } from '../trainer/checkpoint.ts';
import { startPosition } from '../trainer/position.ts';

const [file = ''] = process.argv.slice(2);
const said = await writeCheckpoint(file, {
  training: 'any',
  position: startPosition,
  tensors: [{ name: 'weights/a', shape: [2 ** 20], values: new Float32Array(2 ** 20) }],
  runLog: new Uint8Array(),
}).then(
  () => 'written',
  (error: NodeJS.ErrnoException) => error.code ?? error.message,
);
process.stdout.write(said);
