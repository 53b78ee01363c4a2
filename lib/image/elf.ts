import { open } from 'node:fs/promises';

/** What the dynamic loader reads of an ELF file (System V ABI, chapter 5). */
export interface Elf {
  /** `x64`, `arm64`, as Node names them. */
  readonly arch: string;
  /** The loader that starts it, of programs only: `/lib64/ld-linux-x86-64.so.2`. */
  readonly interpreter: string | undefined;
  /** The names of the libraries that it is linked against (DT_NEEDED). */
  readonly needed: readonly string[];
  /** The folders that it looks for them in first (DT_RUNPATH, or DT_RPATH), `$ORIGIN` unresolved. */
  readonly searchPath: readonly string[];
}

const machines: Readonly<Record<number, string>> = { 62: 'x64', 183: 'arm64' };
const segment = { load: 1, dynamic: 2, interpreter: 3 } as const;
const tag = { needed: 1n, strings: 5n, rpath: 15n, runpath: 29n } as const;

/**
 * Reads the dynamic section of a 64-bit little-endian ELF file: no program is run for it, as `ldd` would run the file's own loader.
 *
 * @throws TypeError for any other file.
 */
export async function readElf(path: string): Promise<Elf> {
  const file = await open(path);
  try {
    const read = async (position: number, length: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
      return buffer.subarray(0, bytesRead);
    };
    const head = await read(0, 64);
    if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1) {
      throw new TypeError(`Expected a 64-bit little-endian ELF file, got \`${path}\``);
    }
    const segments = readSegments(
      await read(Number(head.readBigUInt64LE(32)), head.readUInt16LE(54) * head.readUInt16LE(56)),
      head.readUInt16LE(54),
    );
    const contentOf = (type: number) => {
      const found = segments.find((candidate) => candidate.type === type);
      return found && read(found.offset, found.size);
    };
    const interpreter = cString((await contentOf(segment.interpreter)) ?? Buffer.alloc(0), 0);
    const dynamic = readDynamic((await contentOf(segment.dynamic)) ?? Buffer.alloc(0));
    const tableAt = dynamic.find(([name]) => name === tag.strings)?.[1];
    const holder = segments.find(
      ({ type, address, size }) =>
        type === segment.load && tableAt !== undefined && tableAt >= address && tableAt < address + size,
    );
    const table =
      holder && tableAt !== undefined
        ? await read(holder.offset + tableAt - holder.address, holder.address + holder.size - tableAt)
        : Buffer.alloc(0);
    const stringsOf = (wanted: bigint) =>
      dynamic.filter(([name]) => name === wanted).map(([, at]) => cString(table, at));
    const runpath = stringsOf(tag.runpath);
    return {
      arch: machines[head.readUInt16LE(18)] ?? `machine ${head.readUInt16LE(18)}`,
      interpreter: interpreter || undefined,
      needed: stringsOf(tag.needed),
      searchPath: (runpath.length > 0 ? runpath : stringsOf(tag.rpath))
        .flatMap((list) => list.split(':'))
        .filter(Boolean),
    };
  } finally {
    await file.close();
  }
}

function readSegments(table: Buffer, each: number) {
  return Array.from({ length: Math.floor(table.length / each) }, (_, i) => ({
    type: table.readUInt32LE(i * each),
    offset: Number(table.readBigUInt64LE(i * each + 8)),
    address: Number(table.readBigUInt64LE(i * each + 16)),
    size: Number(table.readBigUInt64LE(i * each + 32)),
  }));
}

function readDynamic(section: Buffer): [name: bigint, value: number][] {
  const entries: [bigint, number][] = [];
  for (let at = 0; at + 16 <= section.length; at += 16) {
    entries.push([section.readBigUInt64LE(at), Number(section.readBigUInt64LE(at + 8))]);
  }
  return entries;
}

function cString(bytes: Buffer, start: number): string {
  const end = bytes.indexOf(0, start);
  return bytes.toString('utf8', start, end < 0 ? bytes.length : end);
}
