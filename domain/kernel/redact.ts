/**
 * Takes well-known shapes of secrets out of free text before it becomes a fact (law 10). It errs towards hiding:
 * a value behind a telling name goes, whatever it looks like; ordinary prose stays as it is. Repeats in the patterns
 * are bounded, so that no text makes them slow.
 */
const HIDDEN = '[redacted]';

interface Shape {
  readonly pattern: RegExp;
  readonly replacement: string;
}

const NAMES =
  'pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?secret|' +
  'credentials?|signature|authorization|session[_-]?id|cookie';

/** `name=value`, `name: value`, `"name":"value"`, with any prefix or suffix to the name, such as `AWS_SECRET_KEY`. */
const assignment = (value: string): RegExp =>
  new RegExp(
    `((?:[\\w.-]{0,64}(?:${NAMES})[\\w.-]{0,64})(?:\\\\?["'])?\\s*[:=]\\s*)(?!\\[redacted\\])${value}`,
    'gi',
  );

/** Order matters: whole blocks and quoted values first, so that no part of one is left behind. */
const SHAPES: readonly Shape[] = [
  {
    pattern: /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g,
    replacement: HIDDEN,
  },
  { pattern: /\b([a-z][a-z0-9+.-]{0,30}:\/\/)[^\s/?#"'<>]*@/gi, replacement: `$1${HIDDEN}@` },
  { pattern: /\b(bearer|basic)\s+[A-Za-z0-9+/_.~=-]{8,}/gi, replacement: `$1 ${HIDDEN}` },
  { pattern: /\beyJ[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?/g, replacement: HIDDEN },
  { pattern: /\b(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA)[A-Z0-9]{12,}\b/g, replacement: HIDDEN },
  {
    pattern: /\b(?:gh[pousr]_|github_pat_|glpat-|slk_|xox[abprs]-|sk-|sk_live_|rk_live_|npm_)[\w-]{10,}/g,
    replacement: HIDDEN,
  },
  { pattern: assignment('\\\\?"(?:bearer\\s+|basic\\s+)?[^"]*(?:"|$)'), replacement: `$1${HIDDEN}` },
  { pattern: assignment("\\\\?'[^']*(?:'|$)"), replacement: `$1${HIDDEN}` },
  { pattern: assignment('(?:bearer\\s+|basic\\s+)?[^\\s"\',;&)}\\]]+'), replacement: `$1${HIDDEN}` },
  // An AWS secret key: 40 characters of base64 that are neither a hash in hex nor a path.
  {
    pattern:
      /(?<![A-Za-z0-9+/=_-])(?=[A-Za-z0-9+/]{0,39}[A-Z])(?=[A-Za-z0-9+/]{0,39}[a-z])(?=[A-Za-z0-9+/]{0,39}[0-9])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=_-])/g,
    replacement: HIDDEN,
  },
];

/** The text without secrets; text that holds none comes back unchanged. */
export const redactSecrets = (text: string): string =>
  SHAPES.reduce((rest, { pattern, replacement }) => rest.replace(pattern, replacement), text);

const TELLING_NAME = new RegExp(`(?:${NAMES})`, 'i');

/** The same for any JSON value: every text in it, and whole values behind a telling name. */
export const redactJson = (value: unknown): unknown => {
  if (typeof value === 'string') return redactSecrets(value);
  if (Array.isArray(value)) return value.map(redactJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      redactSecrets(name),
      TELLING_NAME.test(name) && typeof member === 'string' ? HIDDEN : redactJson(member),
    ]),
  );
};
