/** Which tape to play, the feed that takes it in, and a fresh pass over its records. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { readDocument } from '#cli/commands/read-document.ts';
import { barRecords, TAPE_SOURCE } from '#cli/tape/bars-csv.ts';
import { jsonlRecords } from '#cli/tape/jsonl.ts';
import { findTape, tapeLines } from '#cli/tape/open-tape.ts';
import { TapeError } from '#cli/tape/tape-record.ts';
import type { TapeRecord } from '#cli/tape/tape-record.ts';

export interface TapeSource {
  readonly feedId: string;
  readonly feedConfig: unknown;
  readonly records: () => AsyncIterable<TapeRecord>;
}

export type TapeFormat = 'jsonl' | 'bars-csv';

const THREE_MINUTES_MS = 180_000;

/** The demo's own tape and feed. */
export const demoTape = async (root: string): Promise<TapeSource> => {
  const file = await findTape(path.join(root, 'events/tapes/demo.jsonl'));
  return {
    feedId: 'demo',
    feedConfig: JSON.parse(readFileSync(path.join(root, 'events/tapes/demo.feed.json'), 'utf8')) as unknown,
    records: () => jsonlRecords(tapeLines(file)),
  };
};

/** A tape of the user's: the file is read through once, so that a malformed line is named before anything is sent. */
export const userTape = async (
  file: string,
  { format, symbol }: { readonly format: TapeFormat; readonly symbol: string | undefined },
): Promise<TapeSource> => {
  try {
    const tape = await findTape(file);
    const { tapeId } = tape;
    const records = (): AsyncIterable<TapeRecord> =>
      format === 'jsonl'
        ? jsonlRecords(tapeLines(tape))
        : barRecords(tapeLines(tape), { symbol: symbol ?? '', tapeId });
    const sources = await sourcesOf(records());
    return { feedId: `tape-${tapeId}`, feedConfig: feedBeside(file) ?? feedOf(sources), records };
  } catch (error) {
    if (!(error instanceof TapeError)) throw error;
    throw new CliError(error.code, error.message, { exitCode: exitCodes.usage });
  }
};

/** The feed a tape was recorded for stands beside it: `NAME.feed.json` beside `NAME.jsonl`. */
const feedBeside = (file: string): unknown => {
  const beside = `${file.replace(/(\.(jsonl|csv|gz))+$/, '')}.feed.json`;
  return existsSync(beside) ? readDocument(beside) : undefined;
};

/** Every instrument of the tape by source; lines that are no event name none. */
const sourcesOf = async (
  records: AsyncIterable<TapeRecord>,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> => {
  const sources = new Map<string, Set<string>>();
  for await (const { data } of records) {
    const event = readEvent(data);
    if (!event) continue;
    const symbols = sources.get(event.source_id) ?? new Set<string>();
    sources.set(event.source_id, symbols.add(event.symbol));
  }
  if (sources.size === 0) sources.set(TAPE_SOURCE, new Set(['EMPTY']));
  return sources;
};

const readEvent = (data: Uint8Array): { readonly source_id: string; readonly symbol: string } | undefined => {
  try {
    const event = JSON.parse(Buffer.from(data).toString('utf8')) as Record<string, unknown>;
    const { source_id, symbol } = event;
    return typeof source_id === 'string' && typeof symbol === 'string' ? { source_id, symbol } : undefined;
  } catch {
    // Bytes that are no JSON belong on the tape: ingest turns them into DecodeFailures.
    return undefined;
  }
};

const feedOf = (sources: ReadonlyMap<string, ReadonlySet<string>>): unknown => ({
  sources: [...sources].map(([source_id, symbols]) => ({ source_id, symbols: [...symbols] })),
  scheduler: { mode: 'boundary', boundary_interval_ms: THREE_MINUTES_MS, boundary_delay_ms: 0 },
  engine: { engine_mode: 'truth' },
  clock: 'record',
});
