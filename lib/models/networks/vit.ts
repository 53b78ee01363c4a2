import type { Tensor, Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-node';
import { FurrowError } from '../../../contract/errors.ts';
import type { VitParams } from '../../../contract/networks/vit.ts';
import { attentionBlock } from '../kernels/attentionBlock.ts';
import { dropoutMasks } from '../kernels/dropout.ts';
import { mlpBlock } from '../kernels/mlpBlock.ts';
import { patchEmbedding } from '../kernels/patchEmbedding.ts';
import { tokenFeatures, tokenHead } from '../kernels/tokenHead.ts';
import type { ForwardPass, InputShape, Network, WeightPlan } from './network.ts';

/** Of the class token and the positions before training, as in the paper's code. */
const tokenDeviation = 0.02;

/**
 * A vision transformer. With the default sizes, on plots of 160x106 pixels in 4 channels:
 *
 * ```
 * [plots, 160, 106, 4]   the plot, standardised
 * [plots, 10, 6784]      patches of 32x53 pixels
 * [plots, 10, 512]       dense
 * [plots, 11, 512]       the class token first; learned positions added; dropout
 * [plots, 11, 512]       two blocks, each:
 *                        x + dropout(dense(attention of 4 heads of 128(layer norm(x))))
 *                        x + dropout(dense 512(dropout(GELU(dense 1048(layer norm(x))))))
 * [plots, 512]           mean over the tokens, the class token's among them
 * [plots]                layer norm; dense
 * ```
 *
 * 7.7 million weights; training takes 0.42 GFLOP a plot. A block is two operations on the tape, with gradients written out in
 * TensorFlow's own kernels: at these sizes what surrounds the products of matrices would cost as much as they do.
 *
 * Plots have to be whole patches: cutting the rest off would lose pixels that nobody looks for.
 *
 * Dosovitskiy et al.: An image is worth 16x16 words. ICLR 2021. https://arxiv.org/abs/2010.11929
 */
export function vit({ patch, width, blocks, heads, mlp, dropout: rate }: VitParams): Network {
  const tokensOf = ({ height, width: across }: { readonly height: number; readonly width: number }) =>
    (height / patch[0]) * (across / patch[1]) + 1;
  const tokensIn = ({ shape }: Tensor4D) => tokensOf({ height: shape[1], width: shape[2] });

  /** The tokens behind the last block, `[plots * tokens, width]`. */
  const transformed = ({ tf, x, weight, training }: ForwardPass): Tensor2D => {
    const plots = x.shape[0];
    const tokens = tokensIn(x);
    const rows = plots * tokens;
    const maskShapes = dropoutPlaces(blocks).map((place) => [rows, place === 'hidden' ? mlp : width]);
    const masks = training && rate > 0 ? dropoutMasks(tf, training.noise(0), rate, maskShapes) : [];
    const get = (name: string) => weight<Tensor>(name);

    let value = patchEmbedding(
      tf,
      x,
      patch,
      {
        kernel: get('embedding/kernel'),
        bias: get('embedding/bias'),
        token: get('token'),
        positions: get('positions'),
      },
      masks[0],
    );
    const shape = { plots, tokens, heads, size: width / heads };
    for (let index = 0; index < blocks; index++) {
      const name = `block${index + 1}`;
      const attentionWeights = {
        scale: get(`${name}/norm1/scale`),
        offset: get(`${name}/norm1/offset`),
        kernel: get(`${name}/attention/kernel`),
        bias: get(`${name}/attention/bias`),
        outKernel: get(`${name}/projection/kernel`),
        outBias: get(`${name}/projection/bias`),
      };
      const attended = attentionBlock(tf, value, attentionWeights, shape, masks[1 + 3 * index]);
      value.dispose();
      const mlpWeights = {
        scale: get(`${name}/norm2/scale`),
        offset: get(`${name}/norm2/offset`),
        upKernel: get(`${name}/up/kernel`),
        upBias: get(`${name}/up/bias`),
        downKernel: get(`${name}/down/kernel`),
        downBias: get(`${name}/down/bias`),
      };
      const [inner, outer] = masks.slice(2 + 3 * index);
      value = mlpBlock(tf, attended, mlpWeights, { inner, outer });
      attended.dispose();
    }
    return value;
  };

  return {
    plan(input: InputShape): readonly WeightPlan[] {
      requireWholePatches(input, patch);
      const pixels = patch[0] * patch[1] * input.channels;
      return [
        ...densePlan('embedding', pixels, width),
        { name: 'token', shape: [width], initial: { normal: tokenDeviation }, trainable: true },
        {
          name: 'positions',
          shape: [tokensOf(input), width],
          initial: { normal: tokenDeviation },
          trainable: true,
          decay: false,
        },
        ...Array.from({ length: blocks }, (_, index) => blockPlan(`block${index + 1}`, width, mlp)).flat(),
        ...normPlan('norm', width),
        ...densePlan('head', width, 1),
      ];
    },

    forward(pass: ForwardPass): Tensor1D {
      const { tf, x, weight } = pass;
      return tokenHead(tf, transformed(pass), tokensIn(x), {
        scale: weight('norm/scale'),
        offset: weight('norm/offset'),
        kernel: weight('head/kernel'),
        bias: weight('head/bias'),
      });
    },

    features(pass): Tensor2D {
      const { tf, x, weight } = pass;
      const norm = { scale: weight<Tensor>('norm/scale'), offset: weight<Tensor>('norm/offset') };
      return tokenFeatures(tf, transformed(pass), tokensIn(x), norm);
    },
  };
}

/** Where numbers drop out, in order, by the width that they have there: behind the embedding, then three in each block. */
export function dropoutPlaces(blocks: number): readonly ('token' | 'hidden')[] {
  return ['token', ...Array.from({ length: blocks }, () => ['token', 'hidden', 'token'] as const).flat()];
}

function requireWholePatches({ height, width }: InputShape, [patchHeight, patchWidth]: VitParams['patch']): void {
  if (height % patchHeight === 0 && width % patchWidth === 0) return;
  throw new FurrowError(
    'CONFIG_INVALID',
    `Expected plots of whole patches: ${height}x${width} pixels are none of ${patchHeight}x${patchWidth}. ` +
      `Set \`patch\` to a height of ${divisors(height)} and a width of ${divisors(width)}`,
  );
}

/** `1, 2, 5 or 10` */
function divisors(size: number): string {
  const all = Array.from({ length: size }, (_, index) => index + 1).filter((divisor) => size % divisor === 0);
  return all.length === 1 ? `${size}` : `${all.slice(0, -1).join(', ')} or ${size}`;
}

function blockPlan(name: string, width: number, mlp: number): readonly WeightPlan[] {
  return [
    ...normPlan(`${name}/norm1`, width),
    // Queries, keys and values are three matrices side by side: each is drawn as one of its own size.
    ...densePlan(`${name}/attention`, width, 3 * width, width),
    ...densePlan(`${name}/projection`, width, width),
    ...normPlan(`${name}/norm2`, width),
    ...densePlan(`${name}/up`, width, mlp),
    ...densePlan(`${name}/down`, mlp, width),
  ];
}

function densePlan(name: string, fanIn: number, to: number, fanOut = to): readonly WeightPlan[] {
  return [
    { name: `${name}/kernel`, shape: [fanIn, to], initial: { glorot: { fanIn, fanOut } }, trainable: true },
    { name: `${name}/bias`, shape: [to], initial: 'zeros', trainable: true },
  ];
}

function normPlan(name: string, width: number): readonly WeightPlan[] {
  return [
    { name: `${name}/scale`, shape: [width], initial: 'ones', trainable: true },
    { name: `${name}/offset`, shape: [width], initial: 'zeros', trainable: true },
  ];
}
