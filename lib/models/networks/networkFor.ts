import type { SteppedTrainParams } from '../../../contract/stages/train.ts';
import { convnet2d } from './convnet2d.ts';
import type { Network } from './network.ts';

/** The network that a stage's parameters name. A new network is a line here and one in `contract/stages/train.ts`. */
export function networkFor(params: SteppedTrainParams): Network {
  switch (params.model) {
    case 'convnet2d':
      return convnet2d(params);
  }
}
