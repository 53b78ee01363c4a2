import { type FailureCode, failures, timesOf } from '../../contract/errors.ts';

const triedAgain = { never: 'no', again: 'yes', wait: 'waits' } as const;

/** The table of docs/failures.md, from the one in the code. */
export function failuresTable(): string {
  const rows = (Object.keys(failures) as FailureCode[]).map((code) => {
    const { meaning, retry, action } = failures[code];
    const times = timesOf(code);
    return `| \`${code}\` | ${meaning} | ${triedAgain[retry]}${times === undefined ? '' : `, ${times} times`} | ${action} |`;
  });
  return ['| code | meaning | tried again | what to do |', '| --- | --- | --- | --- |', ...rows].join('\n');
}
