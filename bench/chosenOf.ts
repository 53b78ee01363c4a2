/** What an option names, separated by commas, of all that it can name; all of them when it is not given. */
export function chosenOf<T extends string>(given: string | undefined, all: readonly T[], option: string): readonly T[] {
  if (given === undefined) return all;
  const names = given.split(',');
  const wrong = names.find((name) => !(all as readonly string[]).includes(name));
  if (wrong !== undefined) throw new Error(`Expected ${option} to be of ${all.join(', ')}, got ${wrong}`);
  return names as T[];
}
