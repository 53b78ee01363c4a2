import type { Socket } from 'node:net';
import { type FaultKind, type FaultPlan, noFaults, type RequestKind } from './faults.ts';
import type { StoredRun } from './storedRun.ts';

/** Of the key's owner. */
export const entity = 'field-lab';

export interface SeenRequest {
  readonly kind: RequestKind;
  readonly at: number;
  readonly fault?: FaultKind;
  readonly gzip?: true;
}

/** What the server has, and what it remembers of its clients. */
export class State {
  url = '';
  faults: FaultPlan = noFaults;
  readonly counts = new Map<RequestKind, number>();
  readonly runs = new Map<string, StoredRun>();
  readonly violations: string[] = [];
  readonly requests: SeenRequest[] = [];
  readonly sockets = new Set<Socket>();
  readonly authorization: string;

  /** Whether it says that bodies of file_stream may be packed. */
  readonly takesGzip: boolean;

  constructor(key: string, takesGzip: boolean) {
    this.takesGzip = takesGzip;
    this.authorization = `Basic ${Buffer.from(`api:${key}`).toString('base64')}`;
  }
}
