import { expect, test } from 'vitest';
import { originOf, parseReference } from './reference.ts';

const digest = `sha256:${'0'.repeat(64)}`;

test.each([
  ['localhost:5000/nitrogen', { host: 'localhost:5000', repository: 'nitrogen', tag: undefined, digest: undefined }],
  ['ghcr.io/team/node:20-slim', { host: 'ghcr.io', repository: 'team/node', tag: '20-slim', digest: undefined }],
  [`docker.io/library/node@${digest}`, { host: 'docker.io', repository: 'library/node', tag: undefined, digest }],
  [`[::1]:5000/a/b:c@${digest}`, { host: '[::1]:5000', repository: 'a/b', tag: 'c', digest }],
])('%s is an image in a registry', (text, expected) => {
  expect(parseReference(text)).toEqual(expected);
});

test.each([
  'node',
  'node:20',
  'library/node',
  'ghcr.io/Team/node',
  'ghcr.io/a@sha256:12',
  'ghcr.io/',
  'http://a.b/c',
  'a.b/c:',
])('%s is none', (text) => {
  expect(parseReference(text)).toBeUndefined();
});

test('only this machine is spoken to without encryption', () => {
  expect(originOf('localhost:5000')).toBe('http://localhost:5000');
  expect(originOf('127.0.0.1:5000')).toBe('http://127.0.0.1:5000');
  expect(originOf('[::1]:5000')).toBe('http://[::1]:5000');
  expect(originOf('10.0.0.1:5000')).toBe('https://10.0.0.1:5000');
  expect(originOf('localhost.example.org')).toBe('https://localhost.example.org');
  expect(originOf('docker.io')).toBe('https://registry-1.docker.io');
});
