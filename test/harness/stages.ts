import { z } from 'zod';
import { operational, result } from '../../contract/params.ts';
import { defineStage, implementStage, type Stage, type StageContext } from '../../contract/stage.ts';

type ProbeContext = StageContext<ProbeParams, { before: { kind: 'token'; count: 'any' } }>;

interface ProbeParams {
  readonly label: string;
  readonly text: string;
}

/** A stage that a test brings: takes any tokens, writes its label, and does what the test says on the way. */
export function probeStage(name: string, act: (context: ProbeContext) => Promise<void> | void): Stage {
  const contract = defineStage({
    name,
    kind: 'pure',
    summary: 'A stage of a test.',
    params: z.strictObject({
      label: result(z.string().default('')),
      text: operational(z.string().default('')),
    }),
    inputs: { before: { kind: 'token', count: 'any' } },
    output: 'token',
  });
  return implementStage(contract, {
    async run(context) {
      await act(context);
      await context.output.add('label.txt', context.params.label);
      return {};
    },
  }) as unknown as Stage;
}
