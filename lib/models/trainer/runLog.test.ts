import { constants } from 'node:buffer';
import { freemem } from 'node:os';
import { describe, expect, it } from 'vitest';
import type { RunLogRow } from '../../../contract/runLog.ts';
import { RunLog } from './runLog.ts';

function row(step: number, network = 'vit'): RunLogRow {
  return { kind: 'start', time: '2024-01-01T00:00:00.000Z', network, plots: 120, step };
}

function textOf(log: RunLog): string {
  return Buffer.from(log.bytes()).toString('utf8');
}

function linesOf(rows: readonly unknown[]): string {
  return rows.map((each) => `${JSON.stringify(each)}\n`).join('');
}

describe('the run log', () => {
  it('is nothing before the first row', () => {
    expect(textOf(new RunLog())).toBe('');
  });

  it('is one line of JSON for each row, in order, however many and however long', () => {
    const rows = Array.from({ length: 3000 }, (_, step) => row(step, 'ä'.repeat(step % 7 === 0 ? step : 1)));
    const log = new RunLog();
    for (const each of rows) log.append(each);
    expect(textOf(log)).toBe(linesOf(rows));
    log.append(row(1, 'x'.repeat(200_000)));
    log.append(row(2));
    expect(textOf(log)).toBe(linesOf([...rows, row(1, 'x'.repeat(200_000)), row(2)]));
  });

  it('goes on behind the bytes that a checkpoint held, which it leaves as they are', () => {
    const carried = Buffer.from('{"step": 1}\n\n{"ä":\xff}\n', 'latin1');
    const log = new RunLog(carried);
    log.append(row(2));
    expect(Buffer.from(log.bytes())).toEqual(Buffer.concat([carried, Buffer.from(linesOf([row(2)]))]));
  });

  it.each(['{"step":1}\n{"st', '{"step":1}\n'])('drops a torn last line: %j', (carried) => {
    const log = new RunLog(Buffer.from(carried));
    log.append(row(2));
    expect(textOf(log)).toBe(`{"step":1}\n${linesOf([row(2)])}`);
  });

  it('drops all of a log that is one torn line', () => {
    expect(textOf(new RunLog(Buffer.from('{"st')))).toBe('');
  });

  it('gives a copy that later rows do not change', () => {
    const log = new RunLog();
    log.append(row(1));
    const before = log.bytes();
    log.append(row(2));
    expect(Buffer.from(before).toString()).toBe(linesOf([row(1)]));
  });

  it('may be longer than a string can be', (test) => {
    if (freemem() < 3 * 2 ** 30) test.skip('this machine has too little memory free for two logs of 512 MiB');
    const carried = Buffer.alloc(constants.MAX_STRING_LENGTH + 1);
    carried[carried.length - 1] = 10;
    const log = new RunLog(carried);
    log.append(row(1));
    const bytes = Buffer.from(log.bytes());
    expect(bytes.length).toBeGreaterThan(constants.MAX_STRING_LENGTH);
    expect(bytes.subarray(carried.length).toString()).toBe(linesOf([row(1)]));
  }, 60_000);

  it('costs as much for each row when it holds half a million as when it holds few', () => {
    const log = new RunLog();
    const each = row(1);
    const timeOf = (rows: number) => {
      const from = performance.now();
      for (let at = 0; at < rows; at++) log.append(each);
      return performance.now() - from;
    };
    timeOf(20_000);
    const few = timeOf(20_000);
    timeOf(460_000);
    // Copied whole for each row or chunk, it would be hundreds of times as much; noise is let pass.
    expect(timeOf(20_000)).toBeLessThan(20 * few + 100);
  }, 60_000);
});
