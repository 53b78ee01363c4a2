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
    case 'vit': {
      const patches = Math.floor(height / params.patch[0]) * Math.floor(width / params.patch[1]);
      const tokens = patches + 1;
      // Each head's products of queries and keys, and of shares and values, make together two of the whole width.
      const attention = 2 * product(tokens, params.width, tokens);
      const block =
        product(tokens, params.width, 3 * params.width) +
        attention +
        product(tokens, params.width, params.width) +
        2 * product(tokens, params.width, params.mlp);
      return [
        first(product(patches, params.patch[0] * params.patch[1] * channels, params.width)),
        ...Array.from({ length: params.blocks }, () => behind(block)),
        behind(product(1, params.width, 1)),
      ];
    }
    case 'pooled-cnn': {
      const layers: Layer[] = [];
      let [rows, columns, from] = [height, width, channels];
      for (const [index, to] of params.filters.entries()) {
        const kernel = Array.isArray(params.kernels) ? (params.kernels[index] as number) : params.kernels;
        const flop = product(rows * columns, kernel ** 2 * from, to);
        layers.push(index === 0 ? first(flop) : behind(flop));
        const shrink = params.shrink[index] ?? 1;
        [rows, columns, from] = [Math.floor(rows / shrink), Math.floor(columns / shrink), to];
      }
      return [...layers, behind(product(1, from, 1))];
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
