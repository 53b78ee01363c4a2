/** The drawing child's program: what takes seconds of one core, and loads a native library, is kept out of the worker. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { serveTask, stopped } from '../../models/child/serveTask.ts';
import type { DrawResult, DrawTask, FigureName } from './drawTask.ts';
import type { FigureData } from './figureData.ts';
import { learningCurves } from './learningCurves.ts';
import type { FigureSpec } from './panels.ts';
import { predictedVsTrue } from './predictedVsTrue.ts';
import { render } from './render.ts';
import { residuals } from './residuals.ts';
import { tsne } from './tsne.ts';

type Figure = (data: FigureData) => FigureSpec | undefined | Promise<FigureSpec | undefined>;

const figures: Readonly<Record<FigureName, Figure>> = { predictedVsTrue, residuals, learningCurves, tsne };

serveTask<DrawTask, DrawResult>(async ({ data, output }, session) => {
  const drawn: FigureName[] = [];
  const failed: DrawResult['failed'][number][] = [];
  const names = Object.keys(figures) as FigureName[];
  for (const [done, figure] of names.entries()) {
    if (session.stopRequested()) return stopped;
    session.progress({ doing: 'drawing figures', done, total: names.length });
    try {
      const spec = await figures[figure](data);
      if (!spec) continue;
      const { svg, png } = await render(spec);
      await writeFile(join(output, `${figure}.svg`), svg);
      await writeFile(join(output, `${figure}.png`), png);
      drawn.push(figure);
    } catch (error) {
      failed.push({ figure, why: error instanceof Error ? error.message : String(error) });
    }
  }
  return { drawn, failed };
});
