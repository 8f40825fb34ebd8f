/** Two files of orchestrator events: whether they say the same of every symbol, and where they part. */
import { exactJson } from '#domain/kernel/exact-json.ts';
import { compareOutput, firstDifference } from '#domain/market/output-difference.ts';
import type { OutputComparison, OutputDifference, Telling } from '#domain/market/output-difference.ts';
import { addOutput, openOutputHash, outputDigest } from '#domain/market/output-hash.ts';
import type { OutputHash, SaidEvent } from '#domain/market/output-hash.ts';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { linesOf } from '#cli/tape/open-tape.ts';
import type { TapeLine } from '#cli/tape/open-tape.ts';

/** What two files come to. */
export interface FileDifference {
  readonly isEqual: boolean;
  readonly firstHash: string;
  readonly secondHash: string;
  readonly difference?: OutputDifference;
}

/** A file to compare: its name, for refusals, and its bytes. */
export interface OutputFile {
  readonly name: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/**
 * Reads both files side by side, the one first that is behind in engine time: what both have said is not kept, so memory
 * grows with a digest per event and with how differently the files are ordered. Refuses a line that is no event, or has
 * a number that cannot be compared, such as 1e999 (`invalid_orchestrator_event`).
 */
export const diffFiles = async (first: OutputFile, second: OutputFile): Promise<FileDifference> => {
  const comparison: OutputComparison = new Map();
  const sides = { first: sideOf(first), second: sideOf(second) };
  for (;;) {
    const name = behind(sides.first, sides.second);
    if (name === undefined) break;
    const side = sides[name];
    const event = await side.next();
    const text = event && addOutput(side.hash, event);
    if (event && text !== undefined) compareOutput(comparison, name, { symbol: event.symbol, text });
  }
  const difference = firstDifference(comparison);
  return {
    isEqual: difference === undefined,
    firstHash: outputDigest(sides.first.hash),
    secondHash: outputDigest(sides.second.hash),
    ...(difference ? { difference } : {}),
  };
};

/** A file under way. */
interface Side {
  readonly hash: OutputHash;
  /** The engine timestamp it has come to; infinity at its end. */
  readonly atMs: () => number;
  readonly next: () => Promise<SaidEvent | undefined>;
}

const behind = (first: Side, second: Side): Telling | undefined => {
  if (first.atMs() === Infinity && second.atMs() === Infinity) return undefined;
  return first.atMs() <= second.atMs() ? 'first' : 'second';
};

const sideOf = ({ name, bytes }: OutputFile): Side => {
  const lines = linesOf(bytes)[Symbol.asyncIterator]();
  let atMs = -Infinity;
  const nextLine = async (): Promise<TapeLine | undefined> => {
    for (;;) {
      const step = await lines.next();
      if (step.done === true) return undefined;
      if (step.value.text.trim() !== '') return step.value;
    }
  };
  const next = async (): Promise<SaidEvent | undefined> => {
    const line = await nextLine();
    const event = line && eventOf(name, line);
    const stamp = Number(event?.['engine_timestamp_ms']);
    if (!event) atMs = Infinity;
    else if (Number.isFinite(stamp)) atMs = stamp;
    return event;
  };
  return { hash: openOutputHash(), atMs: () => atMs, next };
};

/** Its integers keep every digit, so that two which differ do not look alike. */
const eventOf = (name: string, { line, text }: TapeLine): SaidEvent => {
  const refused = (why: string): CliError =>
    new CliError('invalid_orchestrator_event', `line ${line} of ${name} is no orchestrator event: ${why}`, {
      exitCode: exitCodes.usage,
    });
  let json: unknown;
  try {
    json = exactJson(text);
  } catch (error) {
    throw refused(String(error));
  }
  if (isEvent(json)) return json;
  throw refused('it needs the schema orchestrator_event, an event_type and a symbol');
};

const isEvent = (json: unknown): json is SaidEvent =>
  typeof json === 'object' &&
  json !== null &&
  'schema' in json &&
  json.schema === 'orchestrator_event' &&
  'event_type' in json &&
  typeof json.event_type === 'string' &&
  'symbol' in json &&
  typeof json.symbol === 'string';
