/** Logs of attempts: people upload and read them here; workers upload them by callback. */
import { runLimits } from '#contracts/runs/limits.ts';
import { LogQuery, nextCursorHeaders, UploadLogRequest } from '#contracts/runs/task-log.ts';
import type { Row } from '#domain/kernel/projection.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { attemptNeverMade, placeOf } from '#domain/run/guard.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { attemptOf, taskAt } from '#domain/run/run.ts';
import { runLogsKey, taskLogsPrefix } from '#domain/task-log/task-log-projection.ts';
import type { TaskLogRow } from '#domain/task-log/task-log-projection.ts';
import { runNotFound, runOf } from '#functions/shared/run-path.ts';
import { ApiError, apiErrorOf } from '#functions/shared/api-error.ts';
import { parseBody, parseQuery } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import { cursorOf, positionOf } from '#functions/shared/paging.ts';
import { callerOf } from '#functions/shared/request.ts';
import { keepLog } from '#functions/shared/task-logs.ts';
import type { LogPorts } from '#functions/shared/task-logs.ts';

/** Keeps the log of any attempt that was made of a task of the run. */
export const uploadRunLog =
  (ports: LogPorts) =>
  async (request: ApiRequest): Promise<ApiReply> => {
    const { tenantId, workspaceId, commandIdentity } = callerOf(request);
    const { stream, runId } = runOf(request);
    const { taskKey, attempt, stdout, stderr } = parseBody(UploadLogRequest, request.body);
    const { state: run } = await loadStream(ports.ledger, runAggregate, stream);
    if (run.status === 'none') throw runNotFound(runId);
    const place = placeOf(run, taskKey);
    if (!place) throw new ApiError('task_not_found', `the run has no task ${taskKey}`);
    const current = attemptOf(taskAt(place.run, place.taskIndex));
    if (attempt > current) throw apiErrorOf(attemptNeverMade(attempt, current).rejection);
    return keepLog(ports, {
      place: { tenantId, workspaceId, runId, taskKey, attempt },
      stdout,
      stderr,
      identity: commandIdentity('uploadRunLog'),
    });
  };

interface ReadPorts extends Pick<LogPorts, 'ledger' | 'blobs'> {
  readonly views: ViewReader;
}

/**
 * One page of logs as text. A full page has a cursor, even when nothing follows it: the page behind it is then empty.
 * A page ends early where the next log would make it too large.
 */
export const readRunLogs =
  (ports: ReadPorts) =>
  async (request: ApiRequest): Promise<ApiReply> => {
    const caller = callerOf(request);
    const { runId } = runOf(request);
    const { taskKey, limit, cursor } = parseQuery(LogQuery, request.query);
    const pk = runLogsKey({ ...caller, runId });
    const list = `${pk}#${taskKey ?? ''}`;
    const prefix = taskKey === undefined ? '' : taskLogsPrefix(taskKey);
    // No attempt is numbered 0, so the prefix itself stands before all logs of a task.
    const { after = prefix } = positionOf(list, cursor);
    const { rows } = await ports.views.partition(pk, after === '' ? undefined : after, limit);
    const wanted = rows.filter(({ sk }) => sk.startsWith(prefix));
    if (wanted.length === 0 && cursor === undefined) throw await nothingThere(ports, request);
    const page = await textOf(ports, wanted);
    const isCut = page.count < wanted.length || page.count === limit;
    const last = isCut ? wanted[page.count - 1]?.sk : undefined;
    const { nextCursor } = cursorOf(list, last === undefined ? {} : { next: last });
    return {
      status: 200,
      contentType: 'text/plain; charset=utf-8',
      body: page.text,
      headers:
        nextCursor === undefined
          ? {}
          : Object.fromEntries(nextCursorHeaders.map((header) => [header, nextCursor])),
    };
  };

const nothingThere = async ({ ledger }: ReadPorts, request: ApiRequest): Promise<ApiError> => {
  const { stream, runId } = runOf(request);
  const { state } = await loadStream(ledger, runAggregate, stream);
  return state.status === 'none'
    ? runNotFound(runId)
    : new ApiError('log_not_found', 'no such log has been uploaded');
};

/** As many logs as a page holds, the first one in any case. */
const textOf = async (
  { blobs }: ReadPorts,
  rows: readonly Row[],
): Promise<{ readonly text: string; readonly count: number }> => {
  let text = '';
  let bytes = 0;
  for (const [count, row] of rows.entries()) {
    const { path, bodyKey } = row.data as unknown as TaskLogRow;
    const body = await blobs.get(bodyKey);
    if (body === undefined) throw new Error(`the log body ${bodyKey} is missing`);
    const part = `--- ${path} ---\n${body}`;
    bytes += Buffer.byteLength(JSON.stringify(part), 'utf8');
    if (count > 0 && bytes > runLimits.logPageBytesMax) return { text, count };
    text += part;
  }
  return { text, count: rows.length };
};
