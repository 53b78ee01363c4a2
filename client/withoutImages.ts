import { isMap, parseDocument } from 'yaml';

/** A pipeline file without the stages that build an image upon the worker's own Node; all else stays as it is written. */
export function withoutImages(text: string): string {
  const file = parseDocument(text);
  const stages = file.get('stages');
  if (!isMap(stages)) return text;
  const takesOwnNode = (stage: unknown) =>
    isMap(stage) && stage.get('uses') === 'buildImage' && stage.getIn(['with', 'base']) === undefined;
  stages.items = stages.items.filter(({ value }) => !takesOwnNode(value));
  return String(file);
}
