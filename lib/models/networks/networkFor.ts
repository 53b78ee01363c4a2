import type { SteppedTrainParams } from '../../../contract/stages/train.ts';
import { convnet2d } from './convnet2d.ts';
import type { Network } from './network.ts';
import { pooledCnn } from './pooledCnn.ts';
import { vit } from './vit.ts';

/** The network that a stage's parameters name. A new network is a line here and one in `contract/stages/train.ts`. */
export function networkFor(params: SteppedTrainParams): Network {
  switch (params.model) {
    case 'pooled-cnn':
      return pooledCnn(params);
    case 'convnet2d':
      return convnet2d(params);
    case 'vit':
      return vit(params);
  }
}
