/** The program inside the image. `PORT` and `HOST` say where it listens, `MODEL_DIR` where the model lies, beside this file unless told. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createApp } from './app.ts';
import { openPredictor } from './predictor.ts';

/** Milliseconds. Orchestrators kill 10 s (Docker) or 30 s (Kubernetes) after SIGTERM: what hangs must not look like a crash. */
const longestDrain = 8_000;

const { PORT = '8080', HOST = '0.0.0.0', MODEL_DIR } = process.env;
const predictor = await openPredictor(MODEL_DIR ?? join(dirname(fileURLToPath(import.meta.url)), 'model'));
const app = createApp(predictor, {
  logger: { serializers: { req: ({ method, url }) => ({ method, url }) } },
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void drain());
await app.listen({ port: Number(PORT), host: HOST });

/** Takes no new requests and answers those that are here. */
async function drain(): Promise<void> {
  const hang = setTimeout(() => process.exit(0), longestDrain);
  hang.unref();
  await app.close();
  predictor.dispose();
  process.exit(0);
}
