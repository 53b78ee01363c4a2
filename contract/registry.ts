import type { ContentRef, Digest } from './artifact.ts';

/** The files of a `model-version` artifact. */
export const versionFiles = {
  /** {@link ModelVersion} as JSON, without what only the registry knows. */
  version: 'version.json',
} as const;

/** One numbered version of a model. Never changed once it is there. */
export interface ModelVersion {
  readonly format: 1;
  /** The model's name in the registry: `nitrogen`. */
  readonly model: string;
  /** 1 and up, without gaps. */
  readonly version: number;
  /** The stage that made the model, and its network: `convnet`, `convnet2d`. */
  readonly winner: { readonly name: string; readonly network: string };
  readonly target: { readonly name: string; readonly unit: string };
  readonly lineage: {
    /** The weights that this version is. */
    readonly model: ContentRef;
    /** The comparison that chose them. Its digest is what makes two registrations the same one. */
    readonly evaluation: ContentRef;
    /** The key of the stage that registered it first. */
    readonly key: Digest;
  };
  readonly metrics: Readonly<Record<string, number>>;
}

/** A version as the registry keeps it. */
export interface RegisteredVersion extends ModelVersion {
  /** ISO 8601. For people; nothing is decided by it. */
  readonly registeredAt: string;
}

/** Letters, digits and dashes, so that a model's name is a pointer, an image repository and a label without escaping. */
export const slug = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;
