/** Where two tellings of a feed's runs part: the first event that one of them says otherwise, or not at all. */
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { compareText } from '#domain/kernel/compare-text.ts';
import { exactJson } from '#domain/kernel/exact-json.ts';
import { withoutOperational } from '#domain/market/output-hash.ts';
import type { SaidEvent } from '#domain/market/output-hash.ts';

/** An event that is not the same in both, by what names it in the first that has it. */
export interface OutputDifference {
  readonly symbol: string;
  readonly run_id: unknown;
  readonly event_type: string;
  readonly engine_timestamp_ms: unknown;
  /** Which of the two has the event at this place. */
  readonly in: 'both' | 'first' | 'second';
  /** Paths of the members that differ, in order, at most 20; none when only one has the event. */
  readonly members: readonly string[];
}

const MEMBERS_MAX = 20;

type Members = Readonly<Record<string, unknown>>;

const isMembers = (value: unknown): value is Members => typeof value === 'object' && value !== null;

const pathsBetween = (one: unknown, other: unknown, path: string): readonly string[] => {
  if (!isMembers(one) || !isMembers(other) || Array.isArray(one) !== Array.isArray(other))
    return Object.is(one, other) ? [] : [path];
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort();
  return names.flatMap((name) =>
    pathsBetween(own(one, name), own(other, name), path === '' ? name : `${path}.${name}`),
  );
};

/** A member that the value itself has: `__proto__` is a name like others in JSON. */
const own = (members: Members, name: string): unknown =>
  Object.hasOwn(members, name) ? members[name] : undefined;

/** Paths of the members in which two values differ, in order. */
export const differingMembers = (one: unknown, other: unknown): readonly string[] =>
  pathsBetween(one, other, '');

/** What differs between two events at one place; undefined when they say the same, or neither is there. */
export const differenceOf = (
  first: SaidEvent | undefined,
  second: SaidEvent | undefined,
): OutputDifference | undefined => {
  const event = first ?? second;
  if (!event) return undefined;
  const { symbol, event_type } = event;
  const [run_id, engine_timestamp_ms] = [shown(event['run_id']), shown(event['engine_timestamp_ms'])];
  const named = { symbol, run_id, event_type, engine_timestamp_ms };
  if (!first || !second) return { ...named, in: first ? 'first' : 'second', members: [] };
  const members = differingMembers(withoutOperational(first), withoutOperational(second));
  return members.length === 0 ? undefined : { ...named, in: 'both', members: members.slice(0, MEMBERS_MAX) };
};

/** A member as it is named: what JSON cannot write, or is no name, as text. */
const shown = (value: unknown): unknown =>
  typeof value === 'bigint' || isMembers(value) ? canonicalJson(value) : value;

/** One of two tellings. */
export type Telling = 'first' | 'second';

/** What of a symbol one telling has said and the other not yet, and where they parted. */
interface Comparison {
  readonly ahead: { by: Telling; readonly texts: string[]; from: number };
  difference?: OutputDifference;
}

/** Two tellings under comparison; it belongs to whoever feeds it, and holds only what one is ahead of the other. */
export type OutputComparison = Map<string, Comparison>;

/**
 * Takes the next event that one telling has of a symbol, as `addOutput` answered it: each once, in the order of the
 * symbol. What was said by both is forgotten.
 */
export const compareOutput = (
  comparison: OutputComparison,
  by: Telling,
  { symbol, text }: { readonly symbol: string; readonly text: string },
): void => {
  const known = comparison.get(symbol) ?? { ahead: { by, texts: [], from: 0 } };
  comparison.set(symbol, known);
  if (known.difference) return;
  const { ahead } = known;
  if (ahead.by === by || ahead.from === ahead.texts.length) {
    ahead.by = by;
    ahead.texts.push(text);
    return;
  }
  const other = ahead.texts[ahead.from];
  if (other === text) {
    forget(ahead);
    return;
  }
  const difference = by === 'first' ? differenceOfTexts(text, other) : differenceOfTexts(other, text);
  if (difference) known.difference = difference;
};

/** Texts are let go of by many at once: to take one from the front of an array costs what the array is long. */
const FORGOTTEN_AT_ONCE = 1_024;

const forget = (ahead: Comparison['ahead']): void => {
  ahead.from += 1;
  if (ahead.from < FORGOTTEN_AT_ONCE && ahead.from < ahead.texts.length) return;
  ahead.texts.splice(0, ahead.from);
  ahead.from = 0;
};

/** Of the first difference of each symbol the one with the least engine timestamp, then symbol. */
export const firstDifference = (comparison: OutputComparison): OutputDifference | undefined =>
  [...comparison]
    .sort(([one], [other]) => compareText(one, other))
    .map(([, known]) => known.difference ?? leftOver(known.ahead))
    .filter((found) => found !== undefined)
    .reduce<OutputDifference | undefined>(
      (least, found) => (least && stampOf(least) <= stampOf(found) ? least : found),
      undefined,
    );

/** What has no instant comes last. */
const stampOf = ({ engine_timestamp_ms: stamp }: OutputDifference): number =>
  typeof stamp === 'number' ? stamp : Infinity;

const leftOver = ({ by, texts, from }: Comparison['ahead']): OutputDifference | undefined =>
  by === 'first' ? differenceOfTexts(texts[from], undefined) : differenceOfTexts(undefined, texts[from]);

const differenceOfTexts = (
  first: string | undefined,
  second: string | undefined,
): OutputDifference | undefined => differenceOf(parsed(first), parsed(second));

const parsed = (text: string | undefined): SaidEvent | undefined =>
  text === undefined ? undefined : (exactJson(text) as SaidEvent);
