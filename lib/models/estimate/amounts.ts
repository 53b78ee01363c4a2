/** Bytes and seconds as a person reads them. */

/** `1.7 GiB`, `612 MiB`, `7.5 MiB`, `12 KiB`. */
export function bytesText(bytes: number): string {
  if (bytes >= 2 ** 30) return `${threeDigits(bytes / 2 ** 30)} GiB`;
  if (bytes >= 2 ** 20) return `${threeDigits(bytes / 2 ** 20)} MiB`;
  return `${Math.ceil(bytes / 2 ** 10)} KiB`;
}

/** `85 ms`, `1.6 s`, `42 s`, `2 min 16 s`, `3 h 5 min`, `2 d 4 h`. */
export function secondsText(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return join(whole, 60, 'min', 1, 's');
  if (whole < 24 * 3600) return join(whole, 3600, 'h', 60, 'min');
  return join(whole, 24 * 3600, 'd', 3600, 'h');
}

function join(seconds: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const smalls = Math.round(seconds / small);
  const perLarge = large / small;
  const rest = smalls % perLarge;
  return `${Math.floor(smalls / perLarge)} ${largeUnit}${rest > 0 ? ` ${rest} ${smallUnit}` : ''}`;
}

function threeDigits(value: number): string {
  return value >= 99.95 ? value.toFixed(0) : value.toFixed(1);
}
