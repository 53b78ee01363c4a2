#!/usr/bin/env node
import { existsSync } from 'node:fs';

const built = new URL('../dist/cli/client/main.js', import.meta.url);
if (!existsSync(built)) {
  process.stderr.write('SETUP_INCOMPLETE: furrow is not built here.\nRun `npm run setup`, then `furrow doctor`.\n');
  process.exit(3);
}
await import(built.href);
