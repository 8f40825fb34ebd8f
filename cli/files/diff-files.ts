/** Two files of orchestrator events: whether they say the same of every symbol, and where they part. */
import { firstDifference, gatherOutput } from '#domain/market/output-difference.ts';
import type { OutputDifference, SaidBySymbol } from '#domain/market/output-difference.ts';
import { addOutput, openOutputHash, outputDigest } from '#domain/market/output-hash.ts';
import type { SaidEvent } from '#domain/market/output-hash.ts';
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

/** Reads both files whole. Refuses a line that is no event. */
export const diffFiles = async (first: OutputFile, second: OutputFile): Promise<FileDifference> => {
  const one = await gather(first);
  const other = await gather(second);
  const difference = firstDifference(one.said, other.said);
  return {
    isEqual: difference === undefined,
    firstHash: one.hash,
    secondHash: other.hash,
    ...(difference ? { difference } : {}),
  };
};

const gather = async ({
  name,
  bytes,
}: OutputFile): Promise<{ readonly said: SaidBySymbol; readonly hash: string }> => {
  const said: SaidBySymbol = new Map();
  const hash = openOutputHash();
  for await (const line of linesOf(bytes)) {
    if (line.text.trim() === '') continue;
    const event = eventOf(name, line);
    gatherOutput(said, event);
    addOutput(hash, event);
  }
  return { said, hash: outputDigest(hash) };
};

const eventOf = (name: string, { line, text }: TapeLine): SaidEvent => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  if (isEvent(json)) return json;
  throw new CliError('invalid_orchestrator_event', `line ${line} of ${name} is no orchestrator event`, {
    exitCode: exitCodes.usage,
  });
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
