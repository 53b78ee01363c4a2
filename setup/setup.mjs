// @ts-check
// Makes a fresh clone runnable: packages, TensorFlow, the build, the Temporal CLI. Says nothing when all is in place.

const MIN_NODE = { major: 20, minor: 20 };

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < MIN_NODE.major || (major === MIN_NODE.major && minor < MIN_NODE.minor)) {
  process.stderr.write(
    `\nThis Node is too old\n  why: it is ${process.versions.node}, ${MIN_NODE.major}.${MIN_NODE.minor} or later is needed\n` +
      'What to do:\n  - install Node 20 or 22 (https://nodejs.org, or `nvm install 22`) and run the command again\n',
  );
  process.exitCode = 1;
} else {
  // Only now: an old Node stops at what the steps import.
  const { setUp } = await import('./steps.mjs');
  await setUp();
}
