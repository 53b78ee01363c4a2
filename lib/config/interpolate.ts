// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what this file is about

import { looksSecret } from '../../contract/redact.ts';
import { suggest } from '../../contract/suggest.ts';
import { coreScalar } from './coreScalar.ts';
import { type Problem, problemAt } from './problem.ts';
import type { ConfigNode, ConfigPath, ScalarNode } from './tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replaces `${NAME}` and `${NAME:-default}` in the values of a tree. `$${` stands for `${`. Keys are left alone.
 * `${secret:NAME}` stays as it is: it is resolved where it is used, and never before.
 */
export function interpolate(root: ConfigNode, env: Environment): { root: ConfigNode; problems: readonly Problem[] } {
  const problems: Problem[] = [];
  return { root: visit(root, []), problems };

  function visit(node: ConfigNode, path: ConfigPath): ConfigNode {
    if (node.kind === 'list') return { ...node, items: node.items.map((item, index) => visit(item, [...path, index])) };
    if (node.kind === 'map') {
      return {
        ...node,
        entries: new Map([...node.entries].map(([key, child]) => [key, visit(child, [...path, key])])),
      };
    }
    if (typeof node.value !== 'string' || !node.value.includes('${')) return node;
    const outcome = interpolateText(node.value, env, mayHoldSecrets(path));
    problems.push(...outcome.mistakes.map((mistake) => problemAt(node.place, path, mistake)));
    // Pieces that are harmless apart, such as `$` and `{secret:A}`, must not make a reference together.
    if (outcome.mistakes.length === 0 && references(outcome.text) > references(node.value)) {
      problems.push(
        problemAt(node.place, path, { message: 'What replaces `${…}` makes a secret reference of the text' }),
      );
    }
    return {
      ...node,
      value: node.plain && outcome.whole ? coreScalar(outcome.text) : outcome.text,
    } satisfies ScalarNode;
  }
}

interface Mistake {
  readonly message: string;
  readonly expected?: string | undefined;
  readonly nearest?: string | undefined;
}

interface Interpolated {
  readonly text: string;
  /** The text was one replaced `${…}` and nothing else. */
  readonly whole: boolean;
  readonly mistakes: readonly Mistake[];
}

const forms = '`${NAME}`, `${NAME:-default}` or `${secret:NAME}`';

function interpolateText(text: string, env: Environment, secretsAllowed: boolean): Interpolated {
  const mistakes: Mistake[] = [];
  const replaced = text.replace(
    /(\$?)\$\{([^}]*)(\}?)/g,
    (found: string, escaping: string, inner: string, end: string) => {
      const outcome = replacement(escaping !== '', inner, end !== '', env, secretsAllowed);
      if (typeof outcome === 'string') return outcome;
      mistakes.push(outcome);
      return found;
    },
  );
  return { text: replaced, whole: mistakes.length === 0 && /^\$\{(?!secret:)[^}]*\}$/.test(text), mistakes };
}

function replacement(
  escaped: boolean,
  inner: string,
  closed: boolean,
  env: Environment,
  secretsAllowed: boolean,
): string | Mistake {
  const secret = inner.startsWith('secret:');
  if (escaped) {
    // Once unescaped, it could not be told from a real one where secrets are resolved.
    return secret ? { message: 'A secret reference cannot be escaped' } : `\${${inner}${closed ? '}' : ''}`;
  }
  if (!closed)
    return {
      message: `\`\${${brief(inner)}\` has no end`,
      expected: `${forms}; \`$\${\` for the characters themselves`,
    };
  if (secret) {
    if (!/^secret:[A-Za-z_][A-Za-z0-9_]*$/.test(inner))
      return { message: `Unknown form \`\${${brief(inner)}}\``, expected: forms };
    return secretsAllowed
      ? `\${${inner}}`
      : {
          message: `The secret \`\${${inner}}\` stands where none may`,
          expected: 'secrets only in the `with` of a stage',
        };
  }
  const match = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner);
  const name = match?.[1];
  if (!match || name === undefined || match[2]?.includes('${')) {
    return {
      message: `Unknown form \`\${${brief(inner)}}\``,
      expected: `${forms}; \`$\${\` for the characters themselves`,
    };
  }
  return lookUp(name, match[2], env, secretsAllowed);
}

function lookUp(
  name: string,
  otherwise: string | undefined,
  env: Environment,
  secretsAllowed: boolean,
): string | Mistake {
  if (looksSecret(name)) {
    return {
      message: `\`${name}\` looks like the name of a secret, which must not be read into a configuration`,
      expected: secretsAllowed ? `\`\${secret:${name}}\`` : 'secrets only in the `with` of a stage',
    };
  }
  const set = Object.hasOwn(env, name) ? env[name] : undefined;
  // As in a shell, `:-` also stands in for what is set but empty.
  const value = otherwise !== undefined && (set === undefined || set === '') ? otherwise : set;
  if (value === undefined) {
    const names = Object.keys(env).filter((candidate) => !looksSecret(candidate));
    return {
      message: `The environment has no \`${name}\``,
      expected: `it to be set, or a default: \`\${${name}:-…}\``,
      nearest: suggest(name, names),
    };
  }
  if (value.includes('${secret:'))
    return {
      message: `The value of \`${name}\` refers to a secret`,
      expected: 'secrets to be named in the file itself',
    };
  return value;
}

function references(text: string): number {
  return text.split('${secret:').length;
}

function mayHoldSecrets(path: ConfigPath): boolean {
  return path.length > 3 && path[0] === 'stages' && path[2] === 'with';
}

function brief(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
