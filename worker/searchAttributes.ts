import type { Connection } from '@temporalio/client';
import { FurrowError } from '../contract/errors.ts';
import { searchAttributes } from '../contract/messages.ts';

/** Temporal's IndexedValueType. */
const typeCodes = { KEYWORD: 2, DOUBLE: 4 } as const;

/** Registers what is missing. Done by `furrow up`; on a shared cluster by whoever may. */
export async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const missing = await missingSearchAttributes(connection, namespace);
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, typeCodes[searchAttributes[name]]])),
  });
}

/**
 * @throws FurrowError `SETUP_INCOMPLETE` when one is not registered: it would fail each workflow task, for ever.
 */
export async function checkSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const missing = await missingSearchAttributes(connection, namespace);
  if (missing.length === 0) return;
  const commands = missing.map(
    (name) =>
      `temporal operator search-attribute create --name ${name} --type ${searchAttributes[name] === 'DOUBLE' ? 'Double' : 'Keyword'}`,
  );
  throw new FurrowError(
    'SETUP_INCOMPLETE',
    `The namespace ${namespace} lacks search attributes:\n${commands.join('\n')}`,
  );
}

async function missingSearchAttributes(
  connection: Connection,
  namespace: string,
): Promise<(keyof typeof searchAttributes)[]> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return (Object.keys(searchAttributes) as (keyof typeof searchAttributes)[]).filter(
    (name) => !(name in (customAttributes ?? {})),
  );
}
