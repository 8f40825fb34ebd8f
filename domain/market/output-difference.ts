/** Where two tellings of a feed's runs part: the first event that one of them says otherwise, or not at all. */
import { comparableText, withoutOperational } from '#domain/market/output-hash.ts';
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
    pathsBetween(one[name], other[name], path === '' ? name : `${path}.${name}`),
  );
};

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
  const { symbol, run_id, event_type, engine_timestamp_ms } = event;
  const named = { symbol, run_id, event_type, engine_timestamp_ms };
  if (!first || !second) return { ...named, in: first ? 'first' : 'second', members: [] };
  const members = differingMembers(withoutOperational(first), withoutOperational(second));
  return members.length === 0 ? undefined : { ...named, in: 'both', members: members.slice(0, MEMBERS_MAX) };
};

/** What was said of each symbol, in order, each event once; it belongs to whoever gathers it. */
export type SaidBySymbol = Map<string, Set<string>>;

/** Gathers the next event; skipped runs and repeated deliveries change nothing. */
export const gatherOutput = (said: SaidBySymbol, event: SaidEvent): void => {
  const text = comparableText(event);
  if (text === undefined) return;
  const known = said.get(event.symbol);
  if (known) known.add(text);
  else said.set(event.symbol, new Set([text]));
};

/** Of the first difference of each symbol the one with the least engine timestamp, then symbol. */
export const firstDifference = (first: SaidBySymbol, second: SaidBySymbol): OutputDifference | undefined => {
  const symbols = [...new Set([...first.keys(), ...second.keys()])].sort();
  return symbols
    .map((symbol) => differenceOfTexts([...(first.get(symbol) ?? [])], [...(second.get(symbol) ?? [])]))
    .filter((found) => found !== undefined)
    .reduce<OutputDifference | undefined>(
      (least, found) => (least && stampOf(least) <= stampOf(found) ? least : found),
      undefined,
    );
};

const stampOf = ({ engine_timestamp_ms: stamp }: OutputDifference): number => Number(stamp);

const differenceOfTexts = (
  first: readonly string[],
  second: readonly string[],
): OutputDifference | undefined => {
  const length = Math.max(first.length, second.length);
  for (let index = 0; index < length; index++) {
    if (first[index] === second[index]) continue;
    return differenceOf(parsed(first[index]), parsed(second[index]));
  }
  return undefined;
};

const parsed = (text: string | undefined): SaidEvent | undefined =>
  text === undefined ? undefined : (JSON.parse(text) as SaidEvent);
