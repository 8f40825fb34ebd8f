/** Open interest of one symbol, asked for again and again: a connection that says something each time it is answered. */
import { takeMessage } from '#domain/market/transport/take-frame.ts';
import type { VenueStream } from '#domain/market/transport/binance.ts';
import type { OpenLink } from '#cli/venue/link.ts';
import type { Clock, Timer } from '#local/kernel/clock.ts';

export interface PolledVenue {
  /** `https://fapi.binance.com`. */
  readonly url: string;
  /** From one question to the next. */
  readonly everyMs: number;
  readonly clock: Clock;
}

/** Of one answer. */
const ANSWER_BYTES_MAX = 65_536;

/** Opens connections; the first answer is what confirms the subscription. */
export const pollLinks =
  ({ url, everyMs, clock }: PolledVenue): OpenLink =>
  (connection, heard) => {
    const [stream] = connection.streams;
    const end = new AbortController();
    let timer: Timer | undefined;
    let isPaused = false;
    let isFirst = true;

    const poll = async (): Promise<void> => {
      if (stream === undefined) return;
      const nextMs = clock.nowMs() + everyMs;
      try {
        const payload = await answerOf(`${url}/fapi/v1/openInterest`, stream, end.signal);
        if (end.signal.aborted) return;
        if (isFirst) heard.taken({ kind: 'subscribed' });
        isFirst = false;
        const events = takeMessage(connection, stream, { payload, recvTsMs: clock.nowMs() });
        heard.taken({ kind: 'events', events });
        ask(nextMs);
      } catch (error) {
        if (!end.signal.aborted) heard.lost(reasonOf(error));
      }
    };
    const ask = (atMs: number): void => {
      if (!isPaused && !end.signal.aborted) timer = clock.at(atMs, () => void poll());
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
        ask(clock.nowMs());
      },
      close: () => {
        hold();
        end.abort();
      },
    };
  };

/** The text of an answer. Throws when there is none, or none that is well. */
const answerOf = async (url: string, { venueSymbol }: VenueStream, signal: AbortSignal): Promise<string> => {
  const response = await fetch(`${url}?symbol=${encodeURIComponent(venueSymbol)}`, { signal });
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of bodyOf(response)) {
    bytes += part.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the venue answered more than ${ANSWER_BYTES_MAX} bytes`);
    parts.push(part);
  }
  if (!response.ok) throw new Error(`the venue answered ${response.status}`);
  return Buffer.concat(parts).toString();
};

const bodyOf = (response: Response): AsyncIterable<Uint8Array> => response.body ?? new Blob([]).stream();

const reasonOf = (error: unknown): string => {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
  return `${error instanceof Error ? error.message : String(error)}${cause}`;
};
