/** What a pipeline's network is compared with: itself, with one thing changed. */
import type { JsonObject } from '../../contract/json.ts';

export interface Variant {
  readonly name: string;
  /** Over the parameters of `train`; undefined takes one away. */
  readonly train?: Readonly<Record<string, unknown>>;
  /** Over the parameters of `preprocess`. */
  readonly features?: Readonly<Record<string, unknown>>;
  /** Parameters that take the place of all of `train`'s. */
  readonly instead?: JsonObject;
}

/** The recipe as it is comes first; the others differ from it in what their name says. */
export function variantsOf(recipe: JsonObject): readonly Variant[] {
  const augment = { ...(recipe.augment as JsonObject) };
  const one = { folds: undefined };
  const other = (recipe.loss as string) === 'mae' ? 'mse' : 'mae';
  const [[optimizer = 'adamw', settings] = []] = Object.entries(recipe.optimizer as JsonObject);
  const variants: (Variant | false)[] = [
    { name: 'the recipe' },
    { name: 'no indices', features: { indices: [] } },
    { name: 'inputs as they are', train: { standardize: { inputs: false, target: true } } },
    { name: 'target as it is', train: { standardize: { inputs: true, target: false } } },
    { name: `loss ${other}`, train: { loss: other } },
    recipe.loss !== 'huber' && { name: 'loss huber', train: { loss: 'huber' } },
    { name: 'no flips', train: { augment: { ...augment, flips: false, rotate180: false } } },
    { name: 'half turns in place of flips', train: { augment: { ...augment, flips: false, rotate180: true } } },
    {
      name: toggled('brightness', augment.brightness),
      train: { augment: { ...augment, brightness: augment.brightness ? 0 : 0.1 } },
    },
    { name: toggled('mixup', augment.mixup), train: { augment: { ...augment, mixup: augment.mixup ? 0 : 0.2 } } },
    { name: toggled('averaging', recipe.averaging), train: { averaging: recipe.averaging ? undefined : 0.99 } },
    { name: toggled('gradient clipping', recipe.clipNorm), train: { clipNorm: recipe.clipNorm ? undefined : 1 } },
    { name: toggled('warm-up', recipe.warmup), train: { warmup: recipe.warmup ? 0 : 5 } },
    'dropout' in recipe && {
      name: toggled('dropout', recipe.dropout),
      train: { dropout: recipe.dropout ? 0 : 0.2 },
    },
    { name: 'constant rate', train: { schedule: 'constant', snapshots: 1 } },
    {
      name: recipe.keep === 'best' ? 'last epoch' : 'best epoch',
      train: { keep: recipe.keep === 'best' ? 'last' : 'best' },
    },
    { name: recipe.testFlips ? 'no test-time flips' : 'test-time flips', train: { testFlips: !recipe.testFlips } },
    { name: 'three snapshots', train: { snapshots: 3, keep: 'last', earlyStopping: undefined } },
    {
      name: toggled('clipping of predictions', recipe.clipPredictions),
      train: { clipPredictions: !recipe.clipPredictions },
    },
    { name: 'half the epochs', train: { epochs: Math.ceil((recipe.epochs as number) / 2) } },
    optimizer !== 'sgd' && { name: 'sgd with momentum', train: { optimizer: { sgd: { lr: 0.05, momentum: 0.9 } } } },
    optimizer === 'adamw' && {
      name: 'adam, no weight decay',
      train: { optimizer: { adam: { lr: (settings as JsonObject).lr } } },
    },
    recipe.folds !== undefined && { name: 'one network, no folds', train: one },
    { name: 'convnet2d', instead: { model: 'convnet2d', epochs: 40, folds: recipe.folds ?? 5 } },
    { name: 'ridge', instead: { model: 'ridge' } },
  ];
  return variants.filter((variant) => variant !== false);
}

function toggled(name: string, value: unknown): string {
  return value ? `no ${name}` : `with ${name}`;
}
