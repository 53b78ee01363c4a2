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
  /\b(?:Bearer|Basic)\s+[A-Za-z0-9+/=._~-]{8,}/gi,
  /\bAIza[0-9A-Za-z_-]{30,}/g,
  /\bya29\.[0-9A-Za-z_-]{20,}/g,
  /\bAKIA[0-9A-Z]{16}\b/g,
  /\bgh[pousr]_[A-Za-z0-9]{30,}/g,
  /\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}/g,
  // user:password@ in an address
  /(?<=\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@:]+:[^\s/@]+(?=@)/gi,
  // WANDB_API_KEY=…, "api_key": "…", password: …
  /(?<=\b[A-Za-z0-9_-]*(?:api[_-]?key|access[_-]?key|token|secret|passw(?:or)?d|credentials?)["']?\s*[=:]\s*["']?)[^\s"',;&}{$]{6,}/gi,
];

/** Names of variables that hold secrets. */
export function looksSecret(name: string): boolean {
  return (
    /(?:^|[_\-.])(?:api_?)?(?:key|token|secret|passw(?:or)?d|pwd|credentials?|auth|netrc|dsn)(?:$|[_\-.\d])/i.test(
      name,
    ) || /(?:secret|password|apikey|token)/i.test(name)
  );
}

/** `text` without the given secrets and without what looks like one, cut to `limit` characters. */
export function redact(text: string, secrets: readonly string[] = [], limit: number = longestMessage): string {
  let clean = text;
  for (const secret of secrets) clean = clean.replaceAll(secret, redacted);
  for (const pattern of patterns) clean = clean.replace(pattern, redacted);
  return clean.length <= limit
    ? clean
    : `${clean.slice(0, limit - 40)} … (${clean.length - limit + 40} more characters cut)`;
}
