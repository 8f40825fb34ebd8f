/** Reading runs: one run folds the ledger and sees every write before it; lists come from the read models. */
import { RunEventQuery, RunListQuery } from '#contracts/runs/read.ts';
import type { RunPage } from '#contracts/runs/read.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runDetail, runItem } from '#domain/run/run-detail.ts';
import { runListKeys } from '#domain/run/run-projection.ts';
import type { RunRow } from '#domain/run/run-rows.ts';
import { why } from '#domain/run/waiting.ts';
import { runNotFound, runOf } from '#functions/api-runs/run-path.ts';
import { parseQuery } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import { mergedList } from '#functions/shared/merged-list.ts';
import { cursorOf, positionOf } from '#functions/shared/paging.ts';
import { readEvents } from '#functions/shared/read-events.ts';
import { callerOf } from '#functions/shared/request.ts';

export interface RunReadPorts {
  readonly ledger: LedgerReader;
  readonly views: ViewReader;
}

type ReadOperation = (request: ApiRequest) => Promise<ApiReply>;

/** One page of runs, newest first, of one public state when asked. */
export const listRuns =
  ({ views }: RunReadPorts): ReadOperation =>
  async (request) => {
    const caller = callerOf(request);
    const { limit, cursor, state } = parseQuery(RunListQuery, request.query);
    const list = `runs#${caller.tenantId}/${caller.workspaceId}`;
    const runs: RunPage['runs'] = [];
    let position = positionOf(list, cursor);
    for (let pages = 0; pages < FILTERED_PAGES_MAX; pages++) {
      const page = await mergedList(views, runListKeys(caller), { limit: limit - runs.length, ...position });
      const items = page.rows.map((row) => runItem(row.data as unknown as RunRow));
      runs.push(...items.filter((item) => state === undefined || item.state === state));
      if (page.next === undefined) return { status: 200, body: { runs } };
      position = { after: page.next };
      if (runs.length >= limit) break;
    }
    return {
      status: 200,
      body: { runs, ...cursorOf(list, position.after === undefined ? {} : { next: position.after }) },
    };
  };

/** Pages one request looks through for a rare state before it hands the cursor back. */
const FILTERED_PAGES_MAX = 10;

/** One run with its tasks. */
export const getRun =
  ({ ledger }: RunReadPorts): ReadOperation =>
  async (request) => {
    const { stream, runId } = runOf(request);
    const detail = runDetail(await readEvents(ledger, stream, 1));
    if (!detail) throw runNotFound(runId);
    return { status: 200, body: detail };
  };

/** The tasks of one run. */
export const listRunTasks =
  ({ ledger }: RunReadPorts): ReadOperation =>
  async (request) => {
    const { stream, runId } = runOf(request);
    const detail = runDetail(await readEvents(ledger, stream, 1));
    if (!detail) throw runNotFound(runId);
    return { status: 200, body: { tasks: detail.tasks } };
  };

/** What one run waits for, the most urgent first. */
export const getRunWhy =
  ({ ledger }: RunReadPorts): ReadOperation =>
  async (request) => {
    const { stream, runId } = runOf(request);
    const answer = why((await loadStream(ledger, runAggregate, stream)).state);
    if (!answer) throw runNotFound(runId);
    return { status: 200, body: answer };
  };

/** The numbered events of one run, behind `after`. */
export const listRunEvents =
  ({ ledger }: RunReadPorts): ReadOperation =>
  async (request) => {
    const { stream, runId } = runOf(request);
    const { after, limit } = parseQuery(RunEventQuery, request.query);
    const from = await commitHolding(ledger, stream, after + 1);
    if (from === undefined) throw runNotFound(runId);
    const read = await readEvents(ledger, stream, from, ({ sequence }) => sequence >= after + limit);
    const events = read.filter(({ sequence }) => sequence > after).slice(0, limit);
    return {
      status: 200,
      body: {
        events: events.map(({ stream: _stream, occurredAtMs, ...event }) => ({
          ...event,
          occurredAt: new Date(occurredAtMs).toISOString(),
        })),
      },
    };
  };

/** The newest commit at or before an event, and perhaps a state kept behind it. */
const HOLDING_ITEMS = 2;

/** Where the commit begins that holds an event, or the last one when the stream is shorter; undefined without any. */
const commitHolding = async (
  ledger: LedgerReader,
  stream: string,
  sequence: number,
): Promise<number | undefined> => {
  const { commits } = await ledger.tail(stream, HOLDING_ITEMS, sequence + 1);
  return commits[0]?.sequence;
};
