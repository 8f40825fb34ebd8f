/** Reading runs: one run folds the ledger and sees every write before it; lists come from the read models. */
import type { RecordedEvent } from '#contracts/event.ts';
import { RunEventQuery, RunListQuery, RunReadQuery, TaskListQuery } from '#contracts/runs/read.ts';
import type { RunPage, RunRead } from '#contracts/runs/read.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { attemptsOf } from '#domain/run/attempts.ts';
import { originFrom } from '#domain/run/evolve.ts';
import { runDetail, runItem } from '#domain/run/run-detail.ts';
import { runListKeys } from '#domain/run/run-projection.ts';
import type { RunRow } from '#domain/run/run-rows.ts';
import { runFilter } from '#functions/api-runs/run-filter.ts';
import { runEventRead } from '#functions/shared/run-event-read.ts';
import { runNotFound, runOf } from '#functions/shared/run-path.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import { parseQuery } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { mergedList } from '#functions/shared/merged-list.ts';
import { cursorOf, positionOf } from '#functions/shared/paging.ts';
import { readEvents } from '#functions/shared/read-events.ts';
import { callerOf } from '#functions/shared/request.ts';

export interface RunReadPorts {
  readonly ledger: LedgerReader;
  readonly views: ViewReader;
}

type ReadOperation = (request: ApiRequest) => Promise<ApiReply>;

/** One page of runs, newest first, that pass every filter asked for. */
export const listRuns =
  ({ views }: RunReadPorts): ReadOperation =>
  async (request) => {
    const caller = callerOf(request);
    const { limit, cursor, ...filters } = parseQuery(RunListQuery, request.query);
    const { isWanted, isPast } = runFilter(filters);
    const list = `runs#${caller.tenantId}/${caller.workspaceId}`;
    const runs: RunPage['runs'] = [];
    let position = positionOf(list, cursor);
    for (let pages = 0; pages < FILTERED_PAGES_MAX; pages++) {
      const page = await mergedList(views, runListKeys(caller), { limit: limit - runs.length, ...position });
      const rows = page.rows.map((row) => row.data as unknown as RunRow);
      runs.push(...rows.filter(isWanted).map(runItem));
      const oldest = rows.at(-1);
      if (page.next === undefined || (oldest && isPast(oldest))) return { status: 200, body: { runs } };
      position = { after: page.next };
      if (runs.length >= limit) break;
    }
    return {
      status: 200,
      body: { runs, ...cursorOf(list, position.after === undefined ? {} : { next: position.after }) },
    };
  };

/** Pages one request looks through for rare runs before it hands the cursor back. */
const FILTERED_PAGES_MAX = 10;

/** One run with its tasks, as it stands or as it stood. */
export const getRun =
  ({ ledger }: RunReadPorts): ReadOperation =>
  async (request) => {
    const { atSequence } = parseQuery(RunReadQuery, request.query);
    return { status: 200, body: await detailOf(ledger, request, atSequence) };
  };

/** One page of the tasks of one run, by key. */
export const listRunTasks =
  ({ ledger }: RunReadPorts): ReadOperation =>
  async (request) => {
    const { limit, cursor, state, atSequence } = parseQuery(TaskListQuery, request.query);
    const detail = await detailOf(ledger, request, atSequence);
    const list = `tasks#${detail.runId}`;
    const { after = '' } = positionOf(list, cursor);
    const behind = detail.tasks.filter(
      (task) => task.taskKey > after && (state === undefined || task.state === state),
    );
    const tasks = behind.slice(0, limit);
    const last = tasks.at(-1)?.taskKey;
    const next = behind.length > limit && last !== undefined ? { next: last } : {};
    return { status: 200, body: { tasks, ...cursorOf(list, next) } };
  };

/** One task of a run. */
export const getRunTask =
  ({ ledger }: RunReadPorts): ReadOperation =>
  async (request) => {
    const { atSequence } = parseQuery(RunReadQuery, request.query);
    const detail = await detailOf(ledger, request, atSequence);
    const task = detail.tasks.find(({ taskKey }) => taskKey === request.path['taskKey']);
    if (!task) throw taskNotFound(request);
    return { status: 200, body: task };
  };

/** The attempts of one task of a run. */
export const listTaskAttempts =
  ({ ledger }: RunReadPorts): ReadOperation =>
  async (request) => {
    const { atSequence } = parseQuery(RunReadQuery, request.query);
    const events = await eventsOf(ledger, request, atSequence);
    const taskKey = request.path['taskKey'] ?? '';
    if (!originFrom(events)?.indexByKey.has(taskKey)) throw taskNotFound(request);
    return { status: 200, body: { attempts: attemptsOf(events, taskKey) } };
  };

const taskNotFound = ({ path }: ApiRequest): ApiError =>
  new ApiError('task_not_found', `the run has no task ${path['taskKey'] ?? ''}`);

/** The events of the run up to a sequence, or all; throws `run_not_found` when there are none. */
const eventsOf = async (
  ledger: LedgerReader,
  request: ApiRequest,
  atSequence = Number.POSITIVE_INFINITY,
): Promise<readonly RecordedEvent[]> => {
  const { stream, runId } = runOf(request);
  const read = await readEvents(ledger, stream, 1, ({ sequence }) => sequence >= atSequence);
  if (read.length === 0) throw runNotFound(runId);
  return read.filter(({ sequence }) => sequence <= atSequence);
};

const detailOf = async (
  ledger: LedgerReader,
  request: ApiRequest,
  atSequence: number | undefined,
): Promise<RunRead> => {
  const detail = runDetail(await eventsOf(ledger, request, atSequence));
  if (!detail) throw runNotFound(request.path['runId'] ?? '');
  return detail;
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
        events: events.map(runEventRead),
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
