// @ts-check
// The addon between Node and libtensorflow: compiled from the package's own source, and tried before it is kept.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.mjs';
import { bindingIn, NAPI_VERSION, packageFolder } from './tensorflow-layout.mjs';

const COMPILE_MS = 5 * 60_000;
const LOAD_MS = 60_000;
const SOURCES = ['tfjs_backend.cc', 'tfjs_binding.cc'];

/** As in the package's binding.gyp, with a search path in place of an edit of the finished file. */
const LINK = {
  linux: (/** @type {string} */ lib) => [
    ...['-shared', '-L', lib, '-ltensorflow', '-ltensorflow_framework'],
    ...['-Wl,-rpath,$ORIGIN/../../deps/lib', '-Wl,-z,noexecstack', '-s'],
  ],
  darwin: (/** @type {string} */ lib) => [
    ...['-bundle', '-undefined', 'dynamic_lookup'],
    ...[join(lib, 'libtensorflow.2.dylib'), join(lib, 'libtensorflow_framework.2.dylib')],
    '-Wl,-rpath,@loader_path/../../deps/lib',
  ],
};

/** @returns {boolean} whether the addon is compiled on this system; on Windows that would need Visual Studio and Python */
export function compilesHere() {
  return process.platform in LINK;
}

/**
 * Compiles the addon of a cache entry against the library and headers that lie in its `deps`.
 * @param {string} root  the checkout, whose npm packages hold the source and Node's headers
 * @param {string} folder  the cache entry being built
 */
export async function compileAddon(root, folder) {
  const tfjs = packageFolder(root);
  const nodeApi = join(root, 'node_modules', 'node-api-headers', 'include');
  const to = bindingIn(folder);
  await mkdir(join(to, '..'), { recursive: true });
  const mac = process.platform === 'darwin';
  const compiler = process.env.CXX || (mac ? 'clang++' : 'g++');
  // Error messages carry __FILE__: without the mapping the addon's digest would depend on where the checkout lies.
  const args = [
    `-ffile-prefix-map=${tfjs}=tfjs-node`,
    '-O2',
    '-std=c++17',
    '-fPIC',
    '-w',
    `-DNAPI_VERSION=${NAPI_VERSION}`,
  ];
  const include = [tfjs, join(folder, 'deps', 'include'), nodeApi].flatMap((path) => ['-I', path]);
  const sources = SOURCES.map((name) => join(tfjs, 'binding', name));
  const link = LINK[mac ? 'darwin' : 'linux'](join(folder, 'deps', 'lib'));
  await runCommand(compiler, [...args, ...include, ...sources, '-o', to, ...link], { timeoutMs: COMPILE_MS });
}

/**
 * Loads the addon in a process of its own: one for another processor, or without its library, must not enter the cache.
 * @param {string} folder
 */
export async function tryAddon(folder) {
  const script = 'process.dlopen({ exports: {} }, process.argv[1])';
  await runCommand(process.execPath, ['-e', script, bindingIn(folder)], { timeoutMs: LOAD_MS }).catch((cause) => {
    const said = /^Error: (.*)$/m.exec(cause.message)?.[1] ?? cause.message;
    throw new Error(`the addon does not load: ${said}`, { cause });
  });
}
