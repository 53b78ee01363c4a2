import type { FinishedStage } from '../contract/artifact.ts';
import { contentRef } from '../contract/artifact.ts';
import { FurrowError } from '../contract/errors.ts';
import { canonicalJson } from '../contract/json.ts';
import { type EvaluatedModel, type Evaluation, evaluationFiles } from '../contract/model.ts';
import { versionFiles } from '../contract/registry.ts';
import { implementStage, type Pointers } from '../contract/stage.ts';
import { registerModel } from '../contract/stages/registerModel.ts';
import { moveAlias, readAlias } from '../lib/registry/aliases.ts';
import { contentOf, readVersion, registerVersion } from '../lib/registry/versions.ts';

/**
 * A version is known by the digest of its evaluation: registering the same evaluation again, by a retry or by a later run, finds
 * the version that is there. The alias always follows the run, cached or not: it ends where an uncached run would have put it.
 */
export default implementStage(registerModel, {
  async run({ inputs, params, key, pointers, output, log }) {
    const { artifact, metrics: evaluated } = inputs.evaluation;
    const evaluation = JSON.parse(
      Buffer.from(await artifact.read(evaluationFiles.evaluation)).toString(),
    ) as Evaluation;
    const winner = winnerOf(evaluation);
    const version = await registerVersion(pointers, {
      model: params.model,
      winner: { name: winner.name, network: winner.network },
      target: evaluation.target,
      lineage: { model: evaluation.winner.model, evaluation: contentRef(artifact.ref), key },
      metrics: { ...evaluated, ...metricsOf(winner) },
    });
    const move = await moveAlias(pointers, params.model, params.alias, version.version);
    log.info(`Registered ${params.model} version ${version.version}`, {
      alias: params.alias,
      before: move.from ?? null,
    });

    await output.add(versionFiles.version, `${canonicalJson(contentOf(version))}\n`);
    return {
      metrics: version.metrics,
      facts: { model: params.model, version: version.version, alias: params.alias, winner: winner.name },
      headline: { name: `test_${evaluation.metric}`, value: winner.test[evaluation.metric].value },
    };
  },

  async isPresent({ inputs, params, pointers }, finished) {
    const version = await registeredAs(pointers, finished, params.model);
    const sameInput = version?.lineage.evaluation.digest === inputs.evaluation.artifact.ref.digest;
    return sameInput && (await readAlias(pointers, params.model, params.alias)) === version?.version;
  },
});

function registeredAs(pointers: Pointers, finished: FinishedStage, model: string) {
  const { version } = finished.facts;
  return typeof version === 'number' ? readVersion(pointers, model, version) : undefined;
}

function winnerOf(evaluation: Evaluation): EvaluatedModel {
  const winner = evaluation.models.find(({ name, baseline }) => name === evaluation.winner.name && !baseline);
  if (winner) return winner;
  throw new FurrowError(
    'ARTIFACT_FILE_UNKNOWN',
    `${evaluationFiles.evaluation} names the winner ${evaluation.winner.name}, but does not list it`,
  );
}

function metricsOf({ test, validation }: EvaluatedModel): Record<string, number> {
  return {
    test_mae: test.mae.value,
    test_rmse: test.rmse.value,
    test_r2: test.r2.value,
    test_bias: test.bias.value,
    val_mae: validation.mae.value,
    val_rmse: validation.rmse.value,
  };
}
