/**
 * The events of one run as they come (server-sent events). Frames are numbered by the run's own sequence, so a receiver
 * that comes back with the last number it saw misses nothing and sees nothing twice. A stream is a lease: it ends after
 * two minutes, or when nothing can follow; then whoever comes back is told so with 204.
 */
import type { RecordedEvent } from '#contracts/event.ts';
import { RunStreamQuery } from '#contracts/runs/read.ts';
import { runStreams } from '#contracts/runs/limits.ts';
import type { StreamState } from '#domain/kernel/stream.ts';
import type { LedgerReader } from '#domain/ports/ledger.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import type { Run } from '#domain/run/run.ts';
import { ApiError } from '#functions/shared/api-error.ts';
import { parseQuery } from '#functions/shared/http.ts';
import type { ApiReply, ApiRequest } from '#functions/shared/http.ts';
import { loadStream } from '#functions/shared/load.ts';
import { readEvents } from '#functions/shared/read-events.ts';
import { runEventRead } from '#functions/shared/run-event-read.ts';
import { runNotFound, runOf } from '#functions/shared/run-path.ts';

export interface StreamPorts {
  readonly ledger: LedgerReader;
  readonly nowMs: () => number;
  readonly sleep: (waitMs: number) => Promise<void>;
}

/** Streams the events behind `Last-Event-ID`, or behind `after`; 204 when the run has ended and none is left. */
export const streamRunEvents =
  (ports: StreamPorts) =>
  async (request: ApiRequest): Promise<ApiReply> => {
    const { stream, runId } = runOf(request);
    const { after } = parseQuery(RunStreamQuery, request.query);
    const seen = lastSeen(request) ?? after;
    const loaded = await loadStream(ports.ledger, runAggregate, stream);
    if (loaded.state.status === 'none') throw runNotFound(runId);
    if (isOver(loaded.state) && seen >= loaded.version) return { status: 204, body: undefined };
    return {
      status: 200,
      contentType: 'text/event-stream',
      body: undefined,
      chunks: frames(ports, stream, { loaded, seen }),
    };
  };

const lastSeen = ({ lastEventId }: ApiRequest): number | undefined => {
  if (lastEventId === undefined) return undefined;
  if (!/^\d{1,15}$/.test(lastEventId))
    throw new ApiError('invalid_request', 'Last-Event-ID must be the number of an event of this run');
  return Number(lastEventId);
};

const isOver = (run: Run): boolean => runAggregate.isTerminal(run);

interface Follow {
  readonly loaded: StreamState<Run>;
  readonly seen: number;
}

async function* frames(ports: StreamPorts, stream: string, { loaded, seen }: Follow): AsyncGenerator<string> {
  const untilMs = ports.nowMs() + runStreams.leaseMs;
  let { state, version } = loaded;
  let next = seen + 1;
  let saidMs = ports.nowMs();
  let pauseMs: number = runStreams.pollMinMs;
  yield `retry: ${runStreams.retryMs}\n\n`;
  for (let isFirst = true; ; isFirst = false) {
    const events = isFirst ? await firstPage(ports, stream, next) : await nextPage(ports, stream, next);
    for (const event of events) {
      if (event.sequence > version) {
        state = runAggregate.evolve(state, event);
        version = event.sequence;
      }
      yield frame(event);
      next = event.sequence + 1;
    }
    if (isOver(state) && next > version) {
      yield ': the run has ended\n\n';
      return;
    }
    const nowMs = ports.nowMs();
    if (nowMs >= untilMs) {
      yield ': come back with the last id\n\n';
      return;
    }
    if (events.length > 0) {
      [saidMs, pauseMs] = [nowMs, runStreams.pollMinMs];
      continue;
    }
    if (nowMs - saidMs >= runStreams.heartbeatMs) {
      yield ': heartbeat\n\n';
      saidMs = nowMs;
    }
    await ports.sleep(Math.min(pauseMs, untilMs - nowMs));
    pauseMs = Math.min(pauseMs * 2, runStreams.pollMaxMs);
  }
}

/** The last event a receiver saw may lie inside a commit; behind the first page every page begins with one. */
const firstPage = (
  { ledger }: StreamPorts,
  stream: string,
  from: number,
): Promise<readonly RecordedEvent[]> =>
  readEvents(ledger, stream, from, ({ sequence }) => sequence >= from + runStreams.pageEvents - 1);

const nextPage = async (
  { ledger }: StreamPorts,
  stream: string,
  from: number,
): Promise<readonly RecordedEvent[]> =>
  (await ledger.read(stream, from, runStreams.pageEvents)).flatMap(({ events }) => events);

const frame = (event: RecordedEvent): string =>
  `id: ${event.sequence}\nevent: ${event.type}\ndata: ${JSON.stringify(runEventRead(event))}\n\n`;
