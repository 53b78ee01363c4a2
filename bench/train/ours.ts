/** Our side: one network, trained by steps on demand. A JSON command a line on standard input, an answer a line on standard output. */
import { readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { SteppedTrainParams } from '../../contract/stages/train.ts';
import { floatsOf, floatsToBytes } from '../../lib/models/floats.ts';
import type { InputShape, WeightPlan } from '../../lib/models/networks/network.ts';
import { networkFor } from '../../lib/models/networks/networkFor.ts';
import { loadTensorflow, type Tf } from '../../lib/models/tensorflow.ts';
import { collectGarbage } from '../../lib/models/trainer/collectGarbage.ts';
import { lossFor } from '../../lib/models/trainer/loss.ts';
import { Variables } from '../../lib/models/trainer/variables.ts';
import type { BatchFiles } from './cases.ts';

export interface OurStart {
  readonly params: SteppedTrainParams;
  readonly input: InputShape;
  readonly batch: BatchFiles;
  /** Where the initial weights go, without ending, as bench/torch/side.py reads them. */
  readonly export?: string;
}

type Command =
  | ({ readonly do: 'start' } & OurStart)
  | { readonly do: 'steps'; readonly count: number }
  | { readonly do: 'products'; readonly size: number; readonly count: number }
  | { readonly do: 'threads' };

interface Training {
  readonly weights: number;
  step(): number;
}

const tf = await loadTensorflow();
let training: Training | undefined;

for await (const line of createInterface({ input: process.stdin })) {
  const answer = await answerTo(JSON.parse(line) as Command).catch((error: Error) => ({ error: error.message }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

async function answerTo(command: Command): Promise<object> {
  switch (command.do) {
    case 'threads':
      return { version: tf.version.tfjs };
    case 'start':
      training = await startTraining(tf, command);
      return { weights: training.weights };
    case 'steps':
      return steps(command.count);
    case 'products':
      return { ms: products(command.size, command.count) };
  }
}

async function startTraining(tf: Tf, { params, input, batch, export: file }: OurStart): Promise<Training> {
  const network = networkFor(params);
  const plan = file ? network.plan(input).map(notZero) : network.plan(input);
  const { optimizer, averaging, clipNorm } = params;
  const variables = new Variables({ tf, plan, optimizer, averaging, clipNorm, seed: 1, member: 0 });
  const pixels = floatsIn(await readFile(batch.x));
  const wanted = floatsIn(await readFile(batch.y));
  if (file) {
    const tensors = variables
      .snapshot('weights')
      .map((tensor) => ({ ...tensor, name: tensor.name.replace('weights/', '') }));
    await writeFile(`${file}.json`, JSON.stringify(tensors.map(({ name, shape }) => ({ name, shape }))));
    await writeFile(`${file}.f32`, Buffer.concat(tensors.map(({ values }) => floatsToBytes(values))));
  }
  const loss = lossFor(params.loss);
  let step = 0;
  return {
    weights: plan.reduce((sum, { shape, trainable }) => sum + (trainable ? sizeOf(shape) : 0), 0),
    step() {
      // As a training gets it: out of a batch in memory, into a tensor of its own.
      const x = tf.tensor4d(pixels, [batch.plots, input.height, input.width, input.channels]);
      const targets = tf.tensor1d(wanted);
      const { loss: value } = variables.step(network, x, targets, { step: step++, rate: 1, loss });
      tf.dispose([x, targets]);
      return value;
    },
  };
}

/** A kernel that starts at zero would hide from the first loss whatever comes before it. */
function notZero(weight: WeightPlan): WeightPlan {
  const { initial, shape } = weight;
  if (initial !== 'zeros' || shape.length < 2) return weight;
  const fanOut = shape.at(-1) as number;
  return { ...weight, initial: { glorot: { fanIn: sizeOf(shape) / fanOut, fanOut } } };
}

async function steps(count: number): Promise<object> {
  if (!training) throw new Error('nothing was started');
  const ms: number[] = [];
  const losses: number[] = [];
  for (let step = 0; step < count; step++) {
    const started = performance.now();
    losses.push(training.step());
    ms.push(performance.now() - started);
    // As between the steps of a training, which listens to its parent there.
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
  }
  return { ms, losses, tensors: tf.memory().numTensors };
}

/** Milliseconds of each product of square float32 matrices. */
function products(size: number, count: number): number[] {
  const [a, b] = [tf.randomUniform([size, size]), tf.randomUniform([size, size])];
  const ms = Array.from({ length: count }, () => {
    const started = performance.now();
    const product = tf.matMul(a, b);
    // The product itself is not brought over: one number of it says that it is there.
    product.slice([0, 0], [1, 1]).dataSync();
    const elapsed = performance.now() - started;
    product.dispose();
    return elapsed;
  });
  tf.dispose([a, b]);
  return ms;
}

function floatsIn(bytes: Buffer): Float32Array {
  return floatsOf(bytes, 0, bytes.length / 4);
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
