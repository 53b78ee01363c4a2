/** Whether a relative path, with forward slashes, stays below the folder that it is written to, on any platform. */
export function staysBelow(path: string): boolean {
  return !path
    .split('/')
    .some((part) => ['', '.', '..'].includes(part) || /[\\\0]/.test(part) || /^[A-Za-z]:/.test(part));
}
