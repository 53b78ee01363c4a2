/** Trains a toy network large enough for several threads by each optimizer, and prints the digest of all that there is then. */
import { createHash } from 'node:crypto';
import { floatsToBytes } from '../floats.ts';
import { loadTensorflow } from '../tensorflow.ts';
import { Variables } from '../trainer/variables.ts';
import { toyInput, toyNetwork, toyOptimizers, trainToy } from './toyTraining.ts';

const tf = await loadTensorflow();
const network = toyNetwork(40_000);
const hash = createHash('sha256');
for (const optimizer of Object.values(toyOptimizers)) {
  const limits = { clipNorm: 0.01, averaging: 0.8 };
  const variables = new Variables({ tf, plan: network.plan(toyInput), optimizer, ...limits, seed: 3, member: 0 });
  trainToy(tf, network, variables, 0, 3);
  for (const { values } of variables.snapshot('all')) hash.update(floatsToBytes(values));
  variables.dispose();
}
process.stdout.write(`${hash.digest('hex')}\n`);
