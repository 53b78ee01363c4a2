#!/usr/bin/env node
// Loads the built command with V8's code cache: compiling it takes longer than most commands do. Node 22 has this built in
// (module.enableCompileCache); Node 20 does not.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

const file = fileURLToPath(new URL('../dist/cli/furrow.cjs', import.meta.url));
if (!existsSync(file)) {
  process.stderr.write('SETUP_INCOMPLETE: furrow is not built here.\nRun `npm run setup`, then `furrow doctor`.\n');
  process.exit(3);
}
const cacheFile = `${file}.${process.versions.v8}.cache`;
const cachedData = existsSync(cacheFile) ? readFileSync(cacheFile) : undefined;
// The wrapper that Node gives CommonJS modules. A cache of another build or V8 is refused by V8, and compiled anew.
const wrapper = `(function (exports, require, module, __filename, __dirname) { ${readFileSync(file, 'utf8')}\n})`;
const script = new Script(wrapper, {
  filename: file,
  ...(cachedData && { cachedData }),
  importModuleDynamically: (id) => import(id),
});
if (process.env.FURROW_WRITE_CODE_CACHE) {
  process.once('exit', () => {
    writeFileSync(`${cacheFile}.${process.pid}`, script.createCachedData());
    renameSync(`${cacheFile}.${process.pid}`, cacheFile);
  });
}
const module = { exports: {} };
script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
