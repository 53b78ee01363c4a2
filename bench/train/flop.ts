/** Floating-point operations that a training step needs for one plot, from the network's architecture. */
import type { SteppedTrainParams } from '../../contract/stages/train.ts';
import type { InputShape } from '../../lib/models/networks/network.ts';

/** A product or a convolution: what training's time goes into. The rest (norms, activations, losses) is left out of the count. */
interface Layer {
  /** Of the forward pass, a multiplication and an addition counted as two. */
  readonly flop: number;
  /** Whether the layer's input needs a gradient: the first one's does not. */
  readonly inputGradient: boolean;
}

/** The forward pass once; and once each for the gradients of the weights and of the input. */
export function trainingFlop(params: SteppedTrainParams, input: InputShape): number {
  return layersOf(params, input).reduce((sum, { flop, inputGradient }) => sum + flop * (inputGradient ? 3 : 2), 0);
}

function layersOf(params: SteppedTrainParams, { height, width, channels }: InputShape): Layer[] {
  switch (params.model) {
    case 'convnet2d': {
      const [kernel1, kernel2] = params.kernels;
      const [filters1, filters2] = params.filters;
      const [height1, width1] = [height - kernel1 + 1, width - kernel1 + 1];
      const [height2, width2] = [height1 - kernel2 + 1, width1 - kernel2 + 1];
      const features = Math.floor(height2 / 2) * Math.floor(width2 / 2) * filters2;
      return [
        first(product(height1 * width1, kernel1 ** 2 * channels, filters1)),
        behind(product(height2 * width2, kernel2 ** 2 * filters1, filters2)),
        behind(product(1, features, 1)),
      ];
    }
  }
}

/** `[rows, inner] x [inner, columns]`. */
function product(rows: number, inner: number, columns: number): number {
  return 2 * rows * inner * columns;
}

function first(flop: number): Layer {
  return { flop, inputGradient: false };
}

function behind(flop: number): Layer {
  return { flop, inputGradient: true };
}
