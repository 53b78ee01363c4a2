import type { Tensor } from '@tensorflow/tfjs-node';
import type { Tf } from '../tensorflow.ts';
import { batchProduct, binary, packed, permuted, reshaped, scalar, spend, sum, unary, unpacked } from './operations.ts';

export interface AttentionShape {
  readonly plots: number;
  readonly tokens: number;
  readonly heads: number;
  /** Of one head. */
  readonly size: number;
}

export interface Attention {
  /** `[plots * tokens, heads * size]` */
  readonly value: Tensor;
  readonly saved: {
    /** Each `[plots, heads, tokens, size]`. */
    readonly query: Tensor;
    readonly key: Tensor;
    readonly content: Tensor;
    /** What each token takes of each, `[plots, heads, tokens, tokens]`: sums to 1 along the last. */
    readonly shares: Tensor;
  };
}

/**
 * Scaled dot-product self-attention of several heads, within each plot.
 *
 * Vaswani et al.: Attention is all you need. NeurIPS 2017. https://arxiv.org/abs/1706.03762
 *
 * @param projected queries, keys and values side by side, each head after head: `[plots * tokens, 3 * heads * size]`
 */
export function attention(tf: Tf, projected: Tensor, { plots, tokens, heads, size }: AttentionShape): Attention {
  const apart = reshaped(tf, projected, [plots, tokens, 3, heads, size]);
  const byHead = spend(apart, permuted(tf, apart, [2, 0, 3, 1, 4]));
  const [query, key, content] = spend(byHead, unpacked(tf, byHead)) as [Tensor, Tensor, Tensor];
  const products = batchProduct(tf, query, key, 'b');
  const scores = spend(products, binary(tf, 'Mul', products, scalar(tf, 1 / Math.sqrt(size))));
  const shares = spend(scores, unary(tf, 'Softmax', scores));
  const mixed = batchProduct(tf, shares, content);
  const byToken = spend(mixed, permuted(tf, mixed, [0, 2, 1, 3]));
  const value = spend(byToken, reshaped(tf, byToken, [plots * tokens, heads * size]));
  return { value, saved: { query, key, content, shares } };
}

/** The gradient in `projected`. Disposes what was saved. */
export function attentionGradient(
  tf: Tf,
  dy: Tensor,
  { query, key, content, shares }: Attention['saved'],
  { plots, tokens, heads, size }: AttentionShape,
): Tensor {
  const apart = reshaped(tf, dy, [plots, tokens, heads, size]);
  const mixed = spend(apart, permuted(tf, apart, [0, 2, 1, 3]));
  const contentGradient = batchProduct(tf, shares, mixed, 'a');
  const sharesGradient = spend(mixed, spend(content, batchProduct(tf, mixed, content, 'b')));
  const scoresGradient = spend(sharesGradient, spend(shares, softmaxGradient(tf, sharesGradient, shares)));
  const scaled = spend(scoresGradient, binary(tf, 'Mul', scoresGradient, scalar(tf, 1 / Math.sqrt(size))));
  const queryGradient = spend(key, batchProduct(tf, scaled, key));
  const keyGradient = spend(scaled, spend(query, batchProduct(tf, scaled, query, 'a')));
  const parts = [queryGradient, keyGradient, contentGradient];
  const byHead = packed(tf, parts);
  for (const part of parts) part.dispose();
  const byToken = spend(byHead, permuted(tf, byHead, [1, 3, 0, 2, 4]));
  return spend(byToken, reshaped(tf, byToken, [plots * tokens, 3 * heads * size]));
}

/** Of softmax along the last axis: y (dy - sum of dy y). */
export function softmaxGradient(tf: Tf, dy: Tensor, y: Tensor): Tensor {
  const products = binary(tf, 'Mul', dy, y);
  const total = spend(products, sum(tf, products, -1, 'keep'));
  const centered = spend(total, binary(tf, 'Sub', dy, total));
  return spend(centered, binary(tf, 'Mul', centered, y));
}
