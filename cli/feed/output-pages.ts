/** What a feed said, read from its routes page by page, run by run. */
import * as z from 'zod';
import type { Client } from '#cli/client.ts';

/** What is read of an orchestrator event; members of newer versions are kept, so that they are compared. */
const ToldEvent = z.looseObject({
  schema: z.string(),
  schema_version: z.string(),
  event_type: z.string(),
  run_id: z.string(),
  symbol: z.string(),
  engine_timestamp_ms: z.int(),
});
export type ToldEvent = z.infer<typeof ToldEvent>;

const UnfinishedRun = z.object({ run_id: z.string(), symbol: z.string(), engine_timestamp_ms: z.int() });
export type UnfinishedRun = z.infer<typeof UnfinishedRun>;

const OutputPage = z.object({
  events: z.array(ToldEvent),
  unfinished: UnfinishedRun.optional(),
  nextCursor: z.string().optional(),
});

/** Which events are asked for. */
export interface OutputsAsked {
  readonly feedId: string;
  /** `outputs` as the ledger recorded them, `replay` computed again. */
  readonly list: 'outputs' | 'replay';
  /** Engine timestamps in milliseconds, both included. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

/** The events of one run, in order; at the end perhaps the run before which they stop. */
export type ToldRun =
  | { readonly kind: 'run'; readonly events: readonly ToldEvent[] }
  | { readonly kind: 'unfinished'; readonly run: UnfinishedRun };

const RUNS_PER_PAGE = 200;

/** Every run in the order of the plan. */
export async function* toldRuns(
  client: Client,
  { feedId, list, from, to }: OutputsAsked,
): AsyncGenerator<ToldRun> {
  let cursor: string | undefined;
  do {
    const query = { from, to, limit: RUNS_PER_PAGE, cursor };
    const path = `{ws}/feeds/${encodeURIComponent(feedId)}/${list}`;
    const page = OutputPage.parse(await client.request('GET', path, { query }));
    for (const events of runsOf(page.events)) yield { kind: 'run', events };
    if (page.unfinished) yield { kind: 'unfinished', run: page.unfinished };
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** The events of a run stand together, and a page holds whole runs. */
const runsOf = (events: readonly ToldEvent[]): readonly (readonly ToldEvent[])[] => {
  const runs: ToldEvent[][] = [];
  for (const event of events) {
    const run = runs.at(-1);
    if (run?.[0]?.run_id === event.run_id) run.push(event);
    else runs.push([event]);
  }
  return runs;
};
