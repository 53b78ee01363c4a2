/**
 * The nitrogen that a plot's name says: `lower_left_100kg_Nitrogen_B2` is 100, `zerokg` and `zero_kg` are 0.
 *
 * @returns kg N per hectare; undefined when the name says nothing, or two things
 */
export function filenameTarget(plot: string): number | undefined {
  const amounts = [...plot.matchAll(/(?<![a-z0-9.])(?:zero|(\d+(?:\.\d+)?))_?kg(?![a-z0-9])/gi)].map(([, digits]) =>
    Number(digits ?? 0),
  );
  return new Set(amounts).size === 1 ? amounts[0] : undefined;
}
