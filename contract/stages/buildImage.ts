import { z } from 'zod';
import { result } from '../params.ts';
import { defineStage } from '../stage.ts';

/** OCI distribution spec 1.1, "Pulling manifests". */
const repository = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const tag = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

export const buildImage = defineStage({
  name: 'buildImage',
  kind: 'effect',
  summary: 'Builds the container image that serves a registered model, and pushes it where a registry is given',
  params: z.strictObject({
    name: result(
      z
        .string()
        .regex(repository, 'Use lower-case letters, digits and . _ - /')
        .optional()
        .describe("The image's name, with folders if need be. Default: the model's."),
    ),
    tag: result(
      z
        .string()
        .regex(tag, 'Use letters, digits and . _ -')
        .optional()
        .describe("The tag. Default: `v` and the model's version."),
    ),
    // Where the image lies is part of what the stage does, so it is part of its key: what a finished stage says of a push is true of its key.
    registry: result(
      z
        .string()
        .regex(/^[^\s/@]+(?:\/[^\s@]+)?$/, 'Write host[:port] or host[:port]/folder')
        .optional()
        .describe(
          'Push to this registry, as `registry.example.org/team`. Default: the image is kept as an artifact alone.',
        ),
    ),
    base: result(
      z
        .string()
        .optional()
        .describe(
          "An image with Node to build upon, as `registry.example.org/node:20-slim`. Default: the worker's own Node.",
        ),
    ),
  }),
  inputs: { version: { kind: 'model-version', count: 'one' } },
  output: 'image',
  work: 'transfer',
});
