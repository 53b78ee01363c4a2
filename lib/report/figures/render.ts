/** A figure as bytes, the same on every machine and run: no browser, no fonts but those that come with the product. */
import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';
import * as vega from 'vega';
import { compile } from 'vega-lite';
import { type FigureSpec, fontFamily } from './panels.ts';

/** Pixels of the PNG for each of the SVG: sharp in print, at half a page's width. */
const pngZoom = 2;

const quiet = { level: () => quiet, error: () => quiet, warn: () => quiet, info: () => quiet, debug: () => quiet };
const fonts = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'].map((file) =>
  createRequire(import.meta.url).resolve(`dejavu-fonts-ttf/ttf/${file}`),
);

/** How vega measures text where there is no canvas. It exports it for others to set, yet its types do not say so. */
interface TextMetrics {
  width(item: MeasuredText, text: unknown): number;
}
interface MeasuredText {
  readonly fontSize?: number;
  readonly fontWeight?: string | number;
  /** Pixels; 0 for none. */
  readonly limit?: number;
}
(vega as unknown as { readonly textMetrics: TextMetrics }).textMetrics.width = textWidth;

export interface Rendered {
  readonly svg: string;
  readonly png: Uint8Array;
}

export async function render(spec: FigureSpec): Promise<Rendered> {
  const { spec: program } = compile(spec, { logger: quiet });
  const view = new vega.View(vega.parse(program), { renderer: 'none' }).logLevel(vega.Error);
  // They are counted for each process.
  vega.resetSVGDefIds();
  const svg = await view.toSVG();
  view.finalize();
  return { svg, png: pngOf(svg) };
}

function pngOf(svg: string): Uint8Array {
  const family = fontFamily.split(',')[0] as string;
  const font = { loadSystemFonts: false, fontFiles: fonts, defaultFontFamily: family, sansSerifFamily: family };
  return new Resvg(svg, { font, fitTo: { mode: 'zoom', value: pngZoom } }).render().asPng();
}

/** Pixels in DejaVu Sans, nearly: with vega's own guess, 0.8 of the font's size for any letter, panels fall apart. */
function textWidth({ fontSize = 11, fontWeight, limit = 0 }: MeasuredText, text: unknown): number {
  let width = 0;
  for (const letter of String(text ?? '')) width += letterWidth(letter);
  const pixels = Math.ceil(width * fontSize * (fontWeight === 'bold' ? 1.11 : 1));
  return limit > 0 ? Math.min(pixels, limit) : pixels;
}

function letterWidth(letter: string): number {
  if (/[\s.,:;'|!ijlftrI()[\]]/.test(letter)) return 0.36;
  if (/[mwMW%−…]/.test(letter)) return 0.92;
  return /[A-Z]/.test(letter) ? 0.7 : 0.62;
}
