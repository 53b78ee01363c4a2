/** What the machine can do at most: products of large float32 matrices by either library. */
import { threads } from './cases.ts';
import { type Program, Side } from './side.ts';

const size = 2048;
const productsAtOnce = 12;

export interface Peak {
  /** Floating-point operations a second, of the fastest product so far. */
  readonly tensorflow: number;
  /** 0 without PyTorch. */
  readonly pytorch: number;
  /** PyTorch's. */
  readonly version?: string;
}

/** Asked for again and again in a run, as a machine that others use seldom gives all that it has. */
export class PeakMeter {
  readonly #sides: readonly { readonly name: 'tensorflow' | 'pytorch'; readonly side: Side }[];
  #best: Peak = { tensorflow: 0, pytorch: 0 };

  constructor(ours: Program, theirs: Program | undefined) {
    this.#sides = [
      { name: 'tensorflow', side: new Side(ours) },
      ...(theirs ? [{ name: 'pytorch' as const, side: new Side(theirs) }] : []),
    ];
  }

  async measure(): Promise<Peak> {
    for (const { name, side } of this.#sides) {
      const { version } = await side.ask('threads', { threads });
      const { ms } = await side.ask('products', { size, count: productsAtOnce });
      const flops = (2 * size ** 3) / (Math.min(...ms) / 1000);
      this.#best = {
        ...this.#best,
        [name]: Math.max(this.#best[name], flops),
        ...(name === 'pytorch' && { version }),
      };
    }
    return this.#best;
  }

  async close(): Promise<void> {
    await Promise.all(this.#sides.map(({ side }) => side.close()));
  }
}
