import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify';
import { predictionPage } from './page.ts';
import { readPlot } from './plotBands.ts';
import type { Predictor } from './predictor.ts';
import { Refusal, refusalOf } from './refusal.ts';
import { turnstile } from './turnstile.ts';
import { readForm, type SentFile } from './upload.ts';

/** Bytes. Four bands of a plot are 0.3 MB; this is room for 4 float bands of 2000x2000 pixels. */
const largestBody = 64 << 20;
/** Requests that may wait for their turn: with {@link largestBody} this bounds the memory. */
const places = 32;

/** Milliseconds that a whole request may take to arrive: who sends a byte a second must not hold a connection for ever. */
const slowestUpload = 120_000;

/** The answer to `POST /v1/predict`. */
export interface Prediction {
  /** From the file names, where they agree. */
  readonly plot?: string;
  readonly prediction: number;
  readonly unit: string;
  readonly model: string;
  readonly version: number;
}

/**
 * The prediction server. Requests are logged by method, path and status; what is sent is never logged, for the images are confidential.
 */
export function createApp(predictor: Predictor, options: Pick<FastifyServerOptions, 'logger'> = {}): FastifyInstance {
  const { description, model, version } = predictor;
  const { preprocessing } = description.input;
  const gate = turnstile(places);
  const app = Fastify({ ...options, bodyLimit: largestBody, requestTimeout: slowestUpload });

  for (const type of ['multipart/form-data', 'image/tiff', 'application/octet-stream']) {
    app.addContentTypeParser(type, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  }
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', async (_request, reply) => {
    // Kept alive, the connection would hold up the end for seconds after its last answer.
    if (closing) reply.header('Connection', 'close');
  });
  app.setErrorHandler((error, request, reply) => {
    const { status, code, message } = refusalOf(error);
    if (status === 500) request.log.error({ err: error }, 'a prediction failed');
    if (status === 503) reply.header('Retry-After', '1');
    reply.status(status).send({ error: { code, message } });
  });
  app.setNotFoundHandler((_request, reply) => {
    const message = 'There are GET /, POST /v1/predict, GET /v1/model and GET /healthz';
    reply.status(404).send({ error: { code: 'NOT_FOUND', message } });
  });

  const page = predictionPage(predictor);
  app.get('/', async (_request, reply) =>
    reply.type('text/html; charset=utf-8').header('Content-Security-Policy', page.policy).send(page.html),
  );

  app.get('/healthz', async () => ({ status: 'ok', model, version }));

  app.get('/v1/model', async () => ({
    model,
    version,
    network: description.network,
    bands: preprocessing.bands,
    size: [preprocessing.height, preprocessing.width],
    target: description.target,
  }));

  app.post('/v1/predict', async (request): Promise<Prediction> => {
    const files = await sentFiles(request.body, request.headers['content-type']);
    return gate.pass(async () => {
      const { plot, bands } = await readPlot(files, preprocessing.bands);
      const prediction = await predictor.predict(bands);
      return { ...(plot && { plot }), prediction, unit: description.target.unit, model, version };
    });
  });
  return app;
}

async function sentFiles(body: unknown, contentType = ''): Promise<readonly SentFile[]> {
  if (!Buffer.isBuffer(body) || body.length === 0) {
    throw new Refusal(
      400,
      'REQUEST_INVALID',
      'Send the plot as multipart/form-data with one file a band, or one image/tiff',
    );
  }
  const bytes = new Uint8Array(body);
  return contentType.startsWith('multipart/') ? readForm(bytes, contentType) : [{ field: '', name: '', bytes }];
}
