/** Random values by the rules of Secrets Manager's `GenerateSecretString`. */
import { randomInt } from 'node:crypto';
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';

export interface SecretStringOptions {
  readonly passwordLength: number;
  readonly excludeCharacters: string;
  readonly excludedClasses: ReadonlySet<CharacterClass>;
  readonly includeSpace: boolean;
  readonly requireEachIncludedType: boolean;
  /** Where the value goes in the template, which must be a JSON object. */
  readonly key: string | undefined;
  readonly template: string | undefined;
}

type CharacterClass = 'Lowercase' | 'Uppercase' | 'Numbers' | 'Punctuation';

const classes: readonly (readonly [CharacterClass, string])[] = [
  ['Lowercase', 'abcdefghijklmnopqrstuvwxyz'],
  ['Uppercase', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'],
  ['Numbers', '0123456789'],
  ['Punctuation', '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'],
];
const known: ReadonlySet<string> = new Set([
  'PasswordLength',
  'ExcludeCharacters',
  'ExcludeLowercase',
  'ExcludeUppercase',
  'ExcludeNumbers',
  'ExcludePunctuation',
  'IncludeSpace',
  'RequireEachIncludedType',
  'GenerateStringKey',
  'SecretStringTemplate',
]);

const lengthDefault = 32;
const lengthMax = 4_096;

const refuse = (message: string): AwsError => new AwsError('InvalidParameterException', message);

/** Reads the property `GenerateSecretString` of a template, or the input of `GetRandomPassword`. */
export const readSecretStringOptions = (given: Json): SecretStringOptions => {
  for (const name of Object.keys(given)) if (!known.has(name)) throw refuse(`unknown option ${name}`);
  const passwordLength = given['PasswordLength'] ?? lengthDefault;
  if (
    typeof passwordLength !== 'number' ||
    !Number.isInteger(passwordLength) ||
    passwordLength < 1 ||
    passwordLength > lengthMax
  )
    throw refuse(`PasswordLength must be a whole number from 1 to ${lengthMax}`);
  const text = (name: string): string | undefined =>
    typeof given[name] === 'string' ? given[name] : undefined;
  const key = text('GenerateStringKey');
  const template = text('SecretStringTemplate');
  if ((key === undefined) !== (template === undefined))
    throw refuse('GenerateStringKey and SecretStringTemplate go together');
  return {
    passwordLength,
    excludeCharacters: text('ExcludeCharacters') ?? '',
    excludedClasses: new Set(classes.flatMap(([name]) => (given[`Exclude${name}`] === true ? [name] : []))),
    includeSpace: given['IncludeSpace'] === true,
    requireEachIncludedType: given['RequireEachIncludedType'] !== false,
    key,
    template,
  };
};

/**
 * A fresh value. `draw(limit)` gives a whole number below the limit; by default it is cryptographically random,
 * and nothing but a test should give another.
 */
export const generateSecret = (
  options: SecretStringOptions,
  draw: (limit: number) => number = (limit) => randomInt(limit),
): string => {
  const password = passwordOf(options, draw);
  if (options.key === undefined || options.template === undefined) return password;
  let template: unknown;
  try {
    template = JSON.parse(options.template);
  } catch {
    throw refuse('SecretStringTemplate must be JSON');
  }
  if (typeof template !== 'object' || template === null || Array.isArray(template))
    throw refuse('SecretStringTemplate must be a JSON object');
  return JSON.stringify({ ...template, [options.key]: password });
};

const passwordOf = (options: SecretStringOptions, draw: (limit: number) => number): string => {
  const isAllowed = (character: string): boolean => !options.excludeCharacters.includes(character);
  const pools = [...classes, ['Space', ' '] as const]
    .filter(([name]) => (name === 'Space' ? options.includeSpace : !options.excludedClasses.has(name)))
    .map(([, characters]) => Array.from(characters).filter(isAllowed).join(''))
    .filter((characters) => characters !== '');
  if (pools.length === 0) throw refuse('the exclusions leave no character');
  const required = options.requireEachIncludedType ? pools : [];
  if (required.length > options.passwordLength)
    throw refuse(`PasswordLength must be at least ${required.length} to hold one of each type`);
  const pick = (characters: string): string => characters.charAt(draw(characters.length));
  const all = pools.join('');
  const drawn = [
    ...required.map(pick),
    ...Array.from({ length: options.passwordLength - required.length }, () => pick(all)),
  ];
  for (let last = drawn.length - 1; last > 0; last -= 1) {
    const other = draw(last + 1);
    [drawn[last], drawn[other]] = [drawn[other] ?? '', drawn[last] ?? ''];
  }
  return drawn.join('');
};
