/** Loads TensorFlow, for child processes and the prediction server: never for a worker or a workflow. */
import util from 'node:util';
import { FurrowError } from '../../contract/errors.ts';
import { allocationFailed } from './allocationFailed.ts';

export type Tf = typeof import('@tensorflow/tfjs-node');

let loading: Promise<Tf> | undefined;

/**
 * The module, with TensorFlow's own library behind it. tfjs falls back to its JavaScript backend in silence, which takes hours
 * for a step of a large network: here that is an error.
 *
 * @throws FurrowError `BACKEND_MISSING`; the loader's own error where memory is what it lacks
 */
export function loadTensorflow(): Promise<Tf> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Tf> {
  // Errors alone; the library reads it when it is loaded.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  restoreUtil();
  let tf: Tf;
  try {
    tf = (await import('@tensorflow/tfjs-node')).default as unknown as Tf;
    await tf.ready();
  } catch (cause) {
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] as string) : String(cause);
    // There it is, and loads where there is room for it.
    if (allocationFailed.test(reason)) throw new Error(reason, { cause });
    throw new FurrowError('BACKEND_MISSING', `TensorFlow could not be loaded: ${reason.slice(0, 300)}`, { cause });
  }
  if (tf.getBackend() !== 'tensorflow') {
    throw new FurrowError(
      'BACKEND_MISSING',
      `Expected tfjs to compute with TensorFlow's library, got its backend \`${tf.getBackend()}\``,
    );
  }
  return tf;
}

/** Node 23 dropped two functions that tfjs-node 4.22 calls while it loads. */
function restoreUtil(): void {
  const old = util as unknown as Record<string, unknown>;
  old.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  old.isArray ??= Array.isArray;
}
