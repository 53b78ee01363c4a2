import { readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';

/** Makes everything in a store's folder look as if it had been written so many days ago. */
export function ageStore(folder: string, days: number): void {
  const then = new Date(Date.now() - days * 86_400_000);
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    utimesSync(join(entry.parentPath, entry.name), then, then);
}
