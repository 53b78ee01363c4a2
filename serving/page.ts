import { createHash } from 'node:crypto';
import type { Predictor } from './predictor.ts';

/** The page for people, and the policy that lets it run its own script, call its own server, and nothing else. */
export interface Page {
  readonly html: string;
  readonly policy: string;
}

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 38rem; margin: 3rem auto; padding: 0 1rem; color: #1c2b1f }
h1 { font-size: 1.4rem } output { display: block; margin-top: 1.5rem; font-size: 1.6rem } .refused { color: #a3231a; font-size: 1rem }
input, button { font: inherit } button { padding: .3rem 1rem } p.about { color: #55645a }`;

/** Without JavaScript the form still works: the browser shows the server's JSON. */
const script = `
const form = document.forms[0], answer = document.querySelector('output');
form.addEventListener('submit', async (event) => {
  event.preventDefault();
  answer.className = '';
  answer.textContent = '…';
  try {
    const response = await fetch(form.action, { method: 'POST', body: new FormData(form) });
    const said = await response.json();
    if (!response.ok) throw new Error(said.error.message);
    answer.textContent = (said.plot ? said.plot + ': ' : '') + said.prediction.toFixed(1) + ' ' + said.unit;
  } catch (error) {
    answer.className = 'refused';
    answer.textContent = error.message;
  }
});`;

export function predictionPage({ model, version, description }: Predictor): Page {
  const { target, input } = description;
  const { bands, height, width } = input.preprocessing;
  const title = escaped(`${model} version ${version}`);
  const html = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${style}</style></head>
<body>
<h1>${title}</h1>
<p>Choose a plot's images, one TIFF a band: ${bands.map((band) => `<code>…_${escaped(band)}.tif</code>`).join(', ')}.</p>
<form action="/v1/predict" method="post" enctype="multipart/form-data">
<input type="file" name="files" multiple required accept=".tif,.tiff" aria-label="The plot's images"> <button>Predict</button>
</form>
<output></output>
<p class="about">Predicts ${escaped(target.name)} in ${escaped(target.unit)} with ${escaped(description.network)}, from ${height}x${width} pixels. Images are not kept.</p>
<script>${script}</script>
</body>
</html>
`;
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(script)}`,
    `style-src ${hashOf(style)}`,
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return { html, policy };
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** Names come from a pipeline file: text, not markup. */
function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
