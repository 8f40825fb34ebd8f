/** A feed as one file: its configuration in the first line, and every record that its runs have read, as it came. */
import * as z from 'zod';
import { answeredJson } from '#cli/client.ts';
import type { HttpClient } from '#cli/client.ts';
import { CliError } from '#cli/cli-error.ts';
import { elementTexts } from '#cli/feed/element-texts.ts';
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
  nextCursor: z.string().optional(),
});
const BufferRecord = z.object({ ingest_seq: z.int() });

/** Writes the lines of a capture; answers how many records it has. Refuses a feed that no one configuration tells. */
export const captureFeed = async (
  client: Pick<HttpClient, 'open'>,
  feedId: string,
  write: WriteLine,
): Promise<number> => {
  const path = `{ws}/feeds/${encodeURIComponent(feedId)}/buffer`;
  let cursor: string | undefined;
  let expectedCount: number | undefined;
  let lastSeq = 0;
  do {
    const response = await client.open('GET', path, { query: { cursor } });
    const answer = await response.text();
    const page = BufferPage.parse(answeredJson(response, answer));
    if (expectedCount === undefined) {
      if (!page.capture) throw reconfigured(feedId);
      expectedCount = page.capture.record_count;
      await write(page.capture);
    }
    for (const text of elementTexts(answer, 'records')) {
      const { ingest_seq: seq } = BufferRecord.parse(JSON.parse(text));
      if (seq !== lastSeq + 1) throw incomplete(lastSeq, seq);
      lastSeq = seq;
      await write(text);
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
