import type { Json } from './json.ts';

/** Characters of the longest secret that is still known where the cut goes through it. */
const longestSecret = 8000;

/** What takes the place of a secret. */
export const redacted = '[redacted]';

/** Bytes of a message that may enter history: a screen of text, far under Temporal's limits. */
export const longestMessage = 4000;

/**
 * Texts that look like credentials wherever they stand. They are a second net: the values of this process's own secrets are
 * replaced first, by whoever knows them.
 */
const patterns: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\b(?:Bearer|Basic)\s{1,3}[A-Za-z0-9+/=._~-]{8,}/gi,
  /\bAIza[0-9A-Za-z_-]{30,}/g,
  /\bya29\.[0-9A-Za-z_-]{20,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /\bgh[pousr]_[A-Za-z0-9]{30,}/g,
  /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}/g,
  // user:password@ in an address
  /(?<=\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@:]+:[^\s/@]+(?=@)/gi,
  // WANDB_API_KEY=…, "api_key": "…", password: …
  /(?<=\b[A-Za-z0-9_-]*(?:api[_-]?key|access[_-]?key|token|secret|passw(?:or)?d|credentials?)["']?\s{0,40}[=:]\s{0,40}["']?)[^\s"',;&}{$]{6,}/gi,
];

/** Names of variables that hold secrets. `PWD` is none, whatever it looks like: shells keep the current folder there. */
export function looksSecret(name: string): boolean {
  if (/^(?:OLD)?PWD$/i.test(name)) return false;
  return (
    /(?:^|[_\-.])(?:api_?)?(?:key|token|secret|pass|passw(?:or)?d|pwd|pat|creds?|credentials?|auth|netrc|dsn)(?:$|[_\-.\d])/i.test(
      name,
    ) || /(?:secret|password|passphrase|apikey|token|private)/i.test(name)
  );
}

/** `text` without the given secrets and without what looks like one, cut to `limit` characters. */
export function redact(text: string, secrets: readonly string[] = [], limit: number = longestMessage): string {
  // Matching takes more than linear time; what is far behind the cut is not shown anyway. Neither is what lies at the edge of
  // what was looked at: a secret that goes over it is not known by its part.
  const unseen = Math.max(0, text.length - limit - 2 * longestSecret);
  let clean = text.slice(0, text.length - unseen);
  for (const form of forms(secrets)) clean = clean.replaceAll(form, redacted);
  for (const pattern of patterns) clean = clean.replace(pattern, redacted);
  const shown = unseen > 0 ? Math.max(0, clean.length - longestSecret) : clean.length;
  if (shown <= limit && unseen === 0) return clean;
  const kept = Math.min(shown, limit - 40);
  return `${clean.slice(0, kept)} … (${clean.length + unseen - kept} more characters cut)`;
}

/** As {@link redact}, for every text in a JSON value; what is left is JSON of the same shape. */
export function redactJson<T extends Json>(value: T, secrets: readonly string[] = []): T {
  return clean(value, secrets) as T;
}

function clean(value: Json, secrets: readonly string[]): Json {
  if (typeof value === 'string') return redact(value, secrets);
  if (Array.isArray(value)) return value.map((item) => clean(item, secrets));
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).map(([name, member]) => {
    if (typeof member !== 'string') return [name, clean(member, secrets)];
    // Together with its name, by which a password is known.
    const prefix = `${name}=`;
    const both = redact(prefix + member, secrets, longestMessage + prefix.length);
    return [name, both.startsWith(prefix) ? both.slice(prefix.length) : redact(member, secrets)];
  });
  return Object.fromEntries(members);
}

/** The secrets as they stand in text, in addresses and in JSON; the longest first, so that none is left in part. */
function forms(secrets: readonly string[]): string[] {
  const all = secrets.flatMap((secret) => [secret, encoded(secret), JSON.stringify(secret).slice(1, -1)]);
  return [...new Set(all)].filter((form) => form !== '').sort((a, b) => b.length - a.length);
}

function encoded(secret: string): string {
  try {
    return encodeURIComponent(secret);
  } catch {
    return secret;
  }
}
