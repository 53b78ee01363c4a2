import { Refusal } from './refusal.ts';

/** A file as it was sent: the name of its form field, and its own; both empty for a body that is the file. */
export interface SentFile {
  readonly field: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A few more than any model has bands; what is over is a mistake or an attack. */
const mostFiles = 32;

/**
 * The files of a form. Node's own parser, the one behind `Response.formData()`, reads it: the body is whole already, within the
 * server's limit.
 *
 * @throws Refusal when the body is no such form.
 */
export async function readForm(body: Uint8Array<ArrayBuffer>, contentType: string): Promise<readonly SentFile[]> {
  const form = await new Response(body, { headers: { 'Content-Type': contentType } }).formData().catch(() => {
    throw new Refusal(400, 'REQUEST_INVALID', 'The form cannot be read: it breaks off, or its boundary is wrong');
  });
  const files: SentFile[] = [];
  for (const [field, value] of form) {
    if (typeof value === 'string') continue;
    if (files.length === mostFiles) throw new Refusal(400, 'REQUEST_INVALID', `Expected at most ${mostFiles} files`);
    files.push({ field, name: value.name, bytes: new Uint8Array(await value.arrayBuffer()) });
  }
  if (files.length === 0) throw new Refusal(400, 'REQUEST_INVALID', 'The form holds no file');
  return files;
}
