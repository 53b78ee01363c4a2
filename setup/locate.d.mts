export interface TemporalCli {
  readonly path: string;
  /** Of the command, `1.5.1`; of one built by a plain `go install`, that of its module. */
  readonly version: string;
  /** Of the server inside, `1.29.1`. */
  readonly serverVersion: string;
  /** How it came here: `PATH`, `cache`, `temporal.download`, `go install`. */
  readonly from: string;
}

export interface TensorflowFound {
  readonly version: string;
  readonly origin: string;
  /** Digest of the archive it came from; stripping and compiling on this machine do not change it. */
  readonly originSha256?: string;
  /** sha256 of each native file, by its path in the package, as recorded when it was installed. */
  readonly files: Readonly<Record<string, string>>;
  readonly bindingPath: string;
  /** Node 23 and later: put util.isNullOrUndefined and util.isArray back before loading tfjs-node. */
  readonly nodeNeedsUtilShim: boolean;
}

/** The first Temporal server version that works here. */
export const MIN_SERVER: string;
/** The per-user cache of native tools. */
export function cacheRoot(env?: NodeJS.ProcessEnv, platform?: NodeJS.Platform): string;
/** The Temporal CLI to start the dev server with: on PATH when new enough, else the set-up's own. */
export function findTemporal(env?: NodeJS.ProcessEnv): TemporalCli | undefined;
/** Those that cannot be used, each with the reason. */
export function passedOverTemporals(env?: NodeJS.ProcessEnv): { path: string; why: string }[];
/** The native TensorFlow of this checkout. */
export function findTensorflow(root?: string): TensorflowFound | { readonly missing: string };
