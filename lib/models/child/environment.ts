import { tensorflowThreads } from '../runtimeClass.ts';

/** What programs need at all, and what tells TensorFlow, its threads and a GPU's libraries how to run. Nothing else: no secrets. */
const passed =
  /^(PATH|HOME|USER|LANG|LC_ALL|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|LD_LIBRARY_PATH|(TF|OMP|KMP|MKL|ONEDNN|DNNL|CUDA|CUDNN|NVIDIA|XLA|MALLOC)_[A-Z0-9_]+)$/i;
const secret = /KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL/i;

/** The environment of a child process. The number of threads is set outright, as it is part of the runtime class. */
export function childEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(env).filter(
    ([name, value]) => value !== undefined && passed.test(name) && !secret.test(name),
  );
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    TF_NUM_INTRAOP_THREADS: String(tensorflowThreads(env)),
  };
}
