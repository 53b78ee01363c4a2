/** What the drawing child is asked for; it writes `NAME.svg` and `NAME.png` for each figure that it can draw. */
import type { evaluationFiles } from '../../../contract/model.ts';
import type { FigureData } from './figureData.ts';

export type FigureName = keyof typeof evaluationFiles.figures;

export interface DrawTask {
  readonly data: FigureData;
  /** A folder that is there. */
  readonly output: string;
}

export interface DrawResult {
  readonly drawn: readonly FigureName[];
  /** A figure with nothing to show is in neither. */
  readonly failed: readonly { readonly figure: FigureName; readonly why: string }[];
}
