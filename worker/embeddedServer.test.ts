import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { homeFile } from '../lib/home/home.ts';
import { type EmbeddedServer, startEmbeddedServer } from './embeddedServer.ts';

let home: string;
let server: EmbeddedServer;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'furrow-server-'));
  server = await startEmbeddedServer(home, { port: 0, uiPort: 0 });
});
afterAll(async () => {
  if (server) {
    const ended = once(server.process, 'exit');
    server.process.kill('SIGINT');
    await ended;
  }
  rmSync(home, { recursive: true, force: true });
});

describe('the embedded server', () => {
  it('keeps closed runs for 90 days', async () => {
    const connection = await Connection.connect({ address: server.address });
    const { config } = await connection.workflowService.describeNamespace({ namespace: server.namespace });
    await connection.close();
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(90 * 24 * 3600);
  });

  it.skipIf(!existsSync('/proc/net/tcp'))('listens on loopback alone, for each of its ports', () => {
    const listening = listeningSockets(server.process.pid as number);
    const ports = [server.address, server.ui].map((address) => Number(address.split(':').pop()));
    expect(listening.map(({ port }) => port)).toEqual(expect.arrayContaining(ports));
    expect(listening.filter(({ address }) => !loopback.includes(address))).toEqual([]);
  });

  it.skipIf(!existsSync('/proc/self/fd'))('has its log to itself', () => {
    const log = homeFile(home, 'serverLog');
    const holds = (pid: number | string) =>
      readdirSync(`/proc/${pid}/fd`).some((name) => linkOf(`/proc/${pid}/fd/${name}`) === log);
    expect(holds(server.process.pid as number)).toBe(true);
    expect(holds('self')).toBe(false);
  });
});

if (!existsSync('/proc/net/tcp'))
  console.warn('Skipped: where the embedded server listens. Linux alone says it in /proc.');

/** 127.0.0.1, ::1 and ::ffff:127.0.0.1, as the kernel of a little-endian machine prints them. */
const loopback = ['0100007F', '00000000000000000000000001000000', '0000000000000000FFFF00000100007F'];

/** State of a socket that listens (Linux, net/tcp_states.h). */
const listen = '0A';

/** The TCP sockets on which a process listens: proc_pid_net(5). */
function listeningSockets(pid: number): { address: string; port: number }[] {
  const descriptors = `/proc/${pid}/fd`;
  const own = new Set(readdirSync(descriptors).map((name) => inodeOf(join(descriptors, name))));
  return ['tcp', 'tcp6'].flatMap((table) => {
    const [, ...lines] = readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n');
    return lines.flatMap((line) => {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      const [address = '', port = ''] = local.split(':');
      return state === listen && own.has(inode) ? [{ address, port: Number.parseInt(port, 16) }] : [];
    });
  });
}

function inodeOf(descriptor: string): string | undefined {
  return /^socket:\[(\d+)\]$/.exec(linkOf(descriptor) ?? '')?.[1];
}

function linkOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(descriptor);
  } catch {
    // Closed meanwhile.
    return undefined;
  }
}
