/** A feed as one file: its configuration in the first line, and every record that its runs have read. */
import * as z from 'zod';
import type { Client } from '#cli/client.ts';
import { CliError } from '#cli/cli-error.ts';
import type { WriteLine } from '#cli/files/line-file.ts';

const BufferPage = z.object({
  capture: z
    .looseObject({
      schema: z.string(),
      schema_version: z.string(),
      config: z.unknown(),
      record_count: z.int(),
    })
    .optional(),
  records: z.array(z.looseObject({ ingest_seq: z.int() })),
  nextCursor: z.string().optional(),
});

/** Writes the lines of a capture; answers how many records it has. Refuses a feed that no one configuration tells. */
export const captureFeed = async (client: Client, feedId: string, write: WriteLine): Promise<number> => {
  const path = `{ws}/feeds/${encodeURIComponent(feedId)}/buffer`;
  let cursor: string | undefined;
  let expectedCount: number | undefined;
  let lastSeq = 0;
  do {
    const page = BufferPage.parse(await client.request('GET', path, { query: { cursor } }));
    if (expectedCount === undefined) {
      if (!page.capture) throw reconfigured(feedId);
      expectedCount = page.capture.record_count;
      await write(page.capture);
    }
    for (const record of page.records) {
      if (record.ingest_seq !== lastSeq + 1) throw incomplete(lastSeq, record.ingest_seq);
      lastSeq = record.ingest_seq;
      await write(record);
    }
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  if (lastSeq !== expectedCount) throw incomplete(lastSeq, expectedCount);
  return lastSeq;
};

const reconfigured = (feedId: string): CliError =>
  new CliError(
    'feed_reconfigured',
    `the configuration of ${feedId} changed after records were taken in, so no one simulation says what it said; use feed replay, which knows each change`,
  );

const incomplete = (lastSeq: number, seq: number): CliError =>
  new CliError('internal', `the buffer goes from record ${lastSeq} to ${seq}; records between are missing`);
