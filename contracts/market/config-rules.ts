/**
 * Rules of configurations whose messages are fixed: they are checked one after the other, and the first one broken is
 * the answer.
 */
import { RetryPolicy } from '#contracts/market/operation.ts';

/** A checked configuration, or the message of the first rule it breaks. */
export type ConfigResult<Config> =
  | { readonly kind: 'valid'; readonly config: Config }
  | { readonly kind: 'invalid'; readonly message: string };

/** An object of a configuration before its members are checked. */
export type RawConfig = Readonly<Record<string, unknown>>;

class BrokenRule extends Error {}

/** Ends a check with a message; only inside `checked`. */
export const broken = (message: string): never => {
  throw new BrokenRule(message);
};

/** Runs a check. Whatever is thrown but a broken rule goes on. */
export const checked = <Config>(check: () => Config): ConfigResult<Config> => {
  try {
    return { kind: 'valid', config: check() };
  } catch (error) {
    if (error instanceof BrokenRule) return { kind: 'invalid', message: error.message };
    throw error;
  }
};

/** The object, with known members only; an absent one is empty. */
export const objectOf = (value: unknown, label: string, members: readonly string[]): RawConfig => {
  const object = value === undefined ? {} : value;
  if (typeof object !== 'object' || object === null || Array.isArray(object))
    return broken(`${label} must be an object`);
  const unknown = Object.keys(object).filter((key) => !members.includes(key));
  return unknown.length > 0
    ? broken(`unknown ${label} keys: ${unknown.sort().join(', ')}`)
    : (object as RawConfig);
};

/** A whole number above, or at least, zero; the default where the member is absent. */
export const integerAt = (
  of: RawConfig,
  name: string,
  { label, from, otherwise }: { readonly label: string; readonly from: 0 | 1; readonly otherwise?: number },
): number => {
  const value = of[name] === undefined ? otherwise : of[name];
  const rule = from === 1 ? `${label} must be > 0` : `${label} must be >= 0`;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= from ? value : broken(rule);
};

/** A whole number above zero if it is set; null where it is absent or null. */
export const optionalAt = (of: RawConfig, name: string, label: string): number | null =>
  of[name] === undefined || of[name] === null ? null : integerAt(of, name, { label, from: 1 });

/** Unique names of sources, each checked further by the caller. */
export const sourcesOf = <Source>(
  value: unknown,
  whenNone: string,
  read: (source: RawConfig, sourceId: string) => Source,
): readonly Source[] => {
  if (!Array.isArray(value) || value.length === 0) return broken(whenNone);
  const seen = new Set<string>();
  return (value as readonly unknown[]).map((entry) => {
    const source =
      typeof entry === 'object' && entry !== null
        ? (entry as RawConfig)
        : broken('each source must be an object');
    const sourceId = source['source_id'];
    if (typeof sourceId !== 'string' || sourceId === '')
      return broken('source_id must be set for each source');
    if (seen.has(sourceId)) return broken(`duplicate source_id: ${sourceId}`);
    seen.add(sourceId);
    return read(source, sourceId);
  });
};

/** A list of texts that is not empty. */
export const textsOf = (value: unknown, whenNone: string): readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.every((text) => typeof text === 'string')
    ? value
    : broken(whenNone);

const retryDefaults = { min_delay_ms: 100, max_delay_ms: 1_000, max_attempts: 3 } as const;

/** A retry policy under a label; what is absent is 100 to 1000 ms, three attempts, no bound. */
export const retryOf = (value: unknown, label: string): RetryPolicy => {
  const retry = objectOf(value, label, Object.keys(RetryPolicy.shape));
  const at = (name: keyof typeof retryDefaults): number =>
    integerAt(retry, name, { label: `${label}.${name}`, from: 1, otherwise: retryDefaults[name] });
  const min_delay_ms = at('min_delay_ms');
  const max_delay_ms = at('max_delay_ms');
  if (max_delay_ms < min_delay_ms) broken(`${label}.max_delay_ms must be >= ${label}.min_delay_ms`);
  return {
    min_delay_ms,
    max_delay_ms,
    max_attempts: at('max_attempts'),
    max_elapsed_ms: optionalAt(retry, 'max_elapsed_ms', `${label}.max_elapsed_ms`),
  };
};
