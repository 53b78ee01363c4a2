import type { Digest } from '../../contract/artifact.ts';
import type { StageTask } from '../../contract/messages.ts';
import { resultParams } from '../../contract/params.ts';
import { type StageContract, takesSeveral } from '../../contract/stage.ts';
import { stageKey } from '../../lib/store/manifests.ts';

/** The key of a stage's result: what decides the output, and nothing else of the task. */
export function keyOf(contract: StageContract, task: StageTask): Digest {
  const names = (role: string) => {
    const rule = contract.inputs[role];
    return rule !== undefined && takesSeveral(rule);
  };
  const inputs = Object.fromEntries(
    Object.entries(task.inputs).map(([role, refs]) => [
      role,
      refs.map((ref) => ({
        digest: ref.artifact.digest,
        // A stage that takes several names them in its output.
        ...(names(role) && { name: ref.stage }),
      })),
    ]),
  );
  return stageKey({
    uses: contract.name,
    fingerprint: task.fingerprint,
    params: resultParams(contract.params, task.params),
    inputs,
    ...(contract.usesSeed && { seed: task.seed }),
    ...(task.source && { source: task.source.digest }),
  });
}
