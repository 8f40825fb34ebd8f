/** What a feed said, as its routes tell it, whole and as hashes; and the feed as one captured file. */
import { FeedBufferPage, FeedOutputPage } from '#contracts/market/feed-replay.ts';
import type { FeedCaptureHeader } from '#contracts/market/feed-replay.ts';
import type { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { addOutput, openOutputHash, outputDigest } from '#domain/market/output-hash.ts';
import type { SaidEvent } from '#domain/market/output-hash.ts';
import { simulateLines } from '#cli/files/simulate.ts';
import { inMain } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';

/** The hash of some events. */
export const hashOf = (events: readonly SaidEvent[]): string => {
  const hash = openOutputHash();
  for (const event of events) addOutput(hash, event);
  return outputDigest(hash);
};

/** Every page of a list, the last one last. */
export const everyPage = async (
  api: Api,
  path: string,
  query: Readonly<Record<string, string | number>> = {},
): Promise<readonly Readonly<Record<string, unknown>>[]> => {
  const pages: Readonly<Record<string, unknown>>[] = [];
  let cursor: unknown;
  do {
    const asked = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    );
    if (typeof cursor === 'string') asked.set('cursor', cursor);
    const page = await api.must('GET', inMain(`${path}?${asked.toString()}`));
    pages.push(page);
    cursor = page['nextCursor'];
  } while (cursor !== undefined);
  return pages;
};

/** Everything a feed said, recorded (`outputs`) or computed again (`replay`). */
export const saidBy = async (
  api: Api,
  list: 'outputs' | 'replay',
  query: Readonly<Record<string, string | number>> = {},
  feedId = 'demo',
): Promise<readonly OrchestratorEvent[]> =>
  (await everyPage(api, `/feeds/${feedId}/${list}`, query)).flatMap(
    (page) => FeedOutputPage.parse(page).events,
  );

/** A captured feed: its header and the texts of its records. */
export interface Capture {
  readonly header: FeedCaptureHeader | undefined;
  readonly records: readonly string[];
}

/** Captures a feed through its route. */
export const captureOf = async (api: Api, limit = 2_000, feedId = 'demo'): Promise<Capture> => {
  const pages = await everyPage(api, `/feeds/${feedId}/buffer`, { limit });
  return {
    header: FeedBufferPage.parse(pages[0]).capture,
    records: pages.flatMap((page) =>
      (page['records'] as readonly object[]).map((one) => JSON.stringify(one)),
    ),
  };
};

/** What a simulation of a capture answers, and its hash. */
export const simulated = ({ header, records }: Capture) => {
  const lines = simulateLines(undefined, false);
  const texts = [JSON.stringify(header), ...records];
  const answers = texts.flatMap((text, index) => lines.answer({ line: index + 1, text }));
  return { answers: [...answers, ...(lines.end?.() ?? [])], hash: lines.outputHash() };
};
