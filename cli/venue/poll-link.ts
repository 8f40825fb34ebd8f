/**
 * A venue that is asked again and again, each symbol on its own; a failed question ends the connection, as a lost socket
 * does. The venue counts the questions of an address: when it asks for silence, no symbol is asked for.
 */
import type { Loss } from '#domain/market/transport/adapter.ts';
import type { VenueStream } from '#domain/market/transport/binance.ts';
import { refusalOf } from '#domain/market/transport/retry-after.ts';
import { takeMessage } from '#domain/market/transport/take-frame.ts';
import type { OpenLink } from '#cli/venue/link.ts';
import type { Clock, Timer } from '#local/kernel/clock.ts';

export interface PolledVenue {
  /** `https://fapi.binance.com`. */
  readonly url: string;
  /** From one question to the next. */
  readonly everyMs: number;
  readonly clock: Clock;
  /** When an answer was received. */
  readonly wall: Pick<Clock, 'nowMs'>;
}

/** Of one answer. */
const ANSWER_BYTES_MAX = 65_536;

/** Opens connections; the first answer is what confirms the subscription. */
export const pollLinks = ({ url, everyMs, clock, wall }: PolledVenue): OpenLink => {
  let quietUntilMs = Number.NEGATIVE_INFINITY;
  const answerTo = async (stream: VenueStream, signal: AbortSignal): Promise<Answer> => {
    const quietMs = quietUntilMs - clock.nowMs();
    if (quietMs > 0)
      return { errorDetail: 'the venue asked another symbol for silence', retryAfterMs: quietMs };
    const answer = await answerOf(`${url}/fapi/v1/openInterest`, { stream, signal, nowMs: wall.nowMs });
    if (typeof answer !== 'string' && answer.retryAfterMs !== undefined)
      quietUntilMs = Math.max(quietUntilMs, clock.nowMs() + answer.retryAfterMs);
    return answer;
  };

  return (connection, heard) => {
    const [stream] = connection.streams;
    const end = new AbortController();
    let timer: Timer | undefined;
    let nextMs = clock.nowMs();
    let isPaused = false;
    let isFirst = true;

    const poll = async (): Promise<void> => {
      if (stream === undefined) return;
      nextMs = clock.nowMs() + everyMs;
      const answer = await answerTo(stream, end.signal);
      if (end.signal.aborted) return;
      if (typeof answer !== 'string') {
        heard.lost(answer);
        return;
      }
      if (isFirst) heard.taken({ kind: 'subscribed' });
      isFirst = false;
      const events = takeMessage(connection, stream, { payload: answer, recvTsMs: wall.nowMs() });
      heard.taken({ kind: 'events', events });
      ask();
    };
    const ask = (): void => {
      if (!isPaused && !end.signal.aborted) timer = clock.at(nextMs, () => void poll());
    };

    queueMicrotask(heard.opened);
    const hold = (): void => {
      if (timer) clock.cancel(timer);
    };
    return {
      subscribe: () => void poll(),
      pause: () => {
        isPaused = true;
        hold();
      },
      resume: () => {
        isPaused = false;
        // No sooner than ever: a sink that is full and free by turns is no reason to ask the venue more often.
        ask();
      },
      close: () => {
        hold();
        end.abort();
      },
    };
  };
};

/** The text of an answer, or why there is none that is well. */
type Answer = string | Loss;

interface Question {
  readonly stream: VenueStream;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
}

const answerOf = async (url: string, { stream, signal, nowMs }: Question): Promise<Answer> => {
  try {
    const response = await fetch(`${url}?symbol=${encodeURIComponent(stream.venueSymbol)}`, { signal });
    const { text, isWhole } = await beginningOf(response);
    if (!response.ok)
      return refusalOf(response.status, {
        ...{ retryAfter: response.headers.get('retry-after'), nowMs: nowMs(), said: text },
      });
    return isWhole ? text : { errorDetail: `the venue answered more than ${ANSWER_BYTES_MAX} bytes` };
  } catch (error) {
    return { errorDetail: reasonOf(error) };
  }
};

const beginningOf = async (
  response: Response,
): Promise<{ readonly text: string; readonly isWhole: boolean }> => {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of bodyOf(response)) {
    bytes += part.length;
    if (bytes > ANSWER_BYTES_MAX) break;
    parts.push(part);
  }
  return { text: Buffer.concat(parts).toString(), isWhole: bytes <= ANSWER_BYTES_MAX };
};

const bodyOf = (response: Response): AsyncIterable<Uint8Array> => response.body ?? new Blob([]).stream();

const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error instanceof Error ? error.message : String(error)}${cause}`;
};
