import { z } from 'zod';
import { pipelineSchema, stageSchema } from '../../contract/config.ts';
import type { JsonObject } from '../../contract/json.ts';
import type { StageContract } from '../../contract/stage.ts';
import { allowInterpolation, interpolated, interpolatedRef } from './jsonSchemaValues.ts';
import { discriminatorOf, literalsOf, optionsOf } from './options.ts';

/**
 * The JSON schema of a pipeline file, for editors to complete and check it. Draft 7, the newest that the YAML language server
 * knows well. It takes every file that `parsePipeline` takes; what stages mean together is left to that.
 */
export function pipelineJsonSchema(contracts: ReadonlyMap<string, StageContract>): JsonObject {
  const file = jsonOf(pipelineSchema);
  const { stages, ...properties } = file.properties as { readonly [name: string]: JsonObject };
  const rewritten = allowInterpolation({ ...file, properties }) as JsonObject;
  return {
    ...rewritten,
    title: 'Furrow pipeline',
    description: 'A pipeline of stages: what each uses, which others it needs, and its parameters.',
    properties: {
      ...(rewritten.properties as JsonObject),
      stages: { ...stages, minProperties: 1, additionalProperties: stageJson(contracts) },
    },
    definitions: { interpolated },
  };
}

function stageJson(contracts: ReadonlyMap<string, StageContract>): JsonObject {
  const stage = allowInterpolation(jsonOf(stageSchema)) as JsonObject;
  const properties = stage.properties as { readonly [name: string]: JsonObject };
  const known = [...contracts.values()].map((contract) => ({ const: contract.name, description: contract.summary }));
  const description = properties.uses?.description ?? '';
  return {
    ...without(stage, '$schema'),
    properties: { ...properties, uses: { description, anyOf: [...known, { $ref: interpolatedRef }] } },
    allOf: [...contracts.values()].map((contract) => ({
      if: { properties: { uses: { const: contract.name } }, required: ['uses'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema; nothing awaits this
      then: withJson(contract),
    })),
  };
}

/** What a stage of this contract may say in `with`, and whether it has to say anything. */
function withJson(contract: StageContract): JsonObject {
  const parameters = parametersJson(contract);
  const required = contract.params.safeParse({}).success ? {} : { required: ['with'] };
  return { properties: { with: { ...parameters, title: contract.name, description: contract.summary } }, ...required };
}

/** Of a union with a discriminator, the option chosen by it: an editor then tells what is wrong with that one alone. */
function parametersJson(contract: StageContract): JsonObject {
  const options = optionsOf(contract.params).filter((option) => option instanceof z.ZodObject);
  const discriminator = discriminatorOf(options);
  if (discriminator === undefined) return parameterJson(contract.params);
  const choices = options.flatMap((option) => literalsOf(option, discriminator) ?? []);
  return {
    type: 'object',
    properties: { [discriminator]: { anyOf: [{ enum: choices }, { $ref: interpolatedRef }] } },
    required: [discriminator],
    allOf: options.map((option) => ({
      if: {
        properties: { [discriminator]: { enum: literalsOf(option, discriminator) ?? [] } },
        required: [discriminator],
      },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON schema; nothing awaits this
      then: parameterJson(option),
    })),
  };
}

function parameterJson(schema: z.core.$ZodType): JsonObject {
  return without(allowInterpolation(jsonOf(schema)) as JsonObject, '$schema');
}

/** As a person writes it, so that what has a default is not required. */
function jsonOf(schema: z.core.$ZodType): JsonObject {
  const json = z.toJSONSchema(schema, { io: 'input', target: 'draft-7', unrepresentable: 'any', reused: 'inline' });
  return JSON.parse(JSON.stringify(json)) as JsonObject;
}

function without(object: JsonObject, key: string): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}
