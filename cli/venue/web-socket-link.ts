/** A WebSocket to one of the entries of the venue, with all its streams on one connection. */
import { WebSocket } from 'ws';
import type { RawData } from 'ws';
import type { Loss } from '#domain/market/transport/adapter.ts';
import { subscription } from '#domain/market/transport/binance.ts';
import { refusalOf } from '#domain/market/transport/retry-after.ts';
import { takeFrame } from '#domain/market/transport/take-frame.ts';
import type { OpenLink } from '#cli/venue/link.ts';
import type { Clock } from '#local/kernel/clock.ts';

export interface WebSocketVenue {
  /** `wss://fstream.binance.com`, without the entry. */
  readonly url: string;
  /** When a message was received. */
  readonly wall: Pick<Clock, 'nowMs'>;
}

/** Of one message: with its text and its numbers it is a record of the stream, which takes 1 MiB. */
const MESSAGE_BYTES_MAX = 262_144;

/** Opens connections; pings of the venue are answered. */
export const webSocketLinks =
  ({ url, wall }: WebSocketVenue): OpenLink =>
  (connection, heard) => {
    const socket = new WebSocket(`${url}/${connection.entry}/stream`, {
      maxPayload: MESSAGE_BYTES_MAX,
      perMessageDeflate: false,
    });
    let loss: Loss | undefined;
    socket.on('open', heard.opened);
    socket.on('message', (data: RawData, isBinary) => {
      const bytes = data as Buffer;
      const payload = isBinary ? new Uint8Array(bytes) : bytes.toString();
      heard.taken(takeFrame(connection, { payload, recvTsMs: wall.nowMs() }));
    });
    socket.on('unexpected-response', (_request, { statusCode, headers }) => {
      loss = refusalOf(Number(statusCode), { retryAfter: headers['retry-after'], nowMs: wall.nowMs() });
      socket.terminate();
    });
    socket.on('error', ({ message }) => (loss ??= { errorDetail: message }));
    socket.on('close', (code, reason) =>
      heard.lost(
        loss ?? { errorDetail: `the venue closed the connection: ${code} ${reason.toString()}`.trim() },
      ),
    );
    return {
      subscribe: () => socket.send(subscription(connection)),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      close: () => socket.terminate(),
    };
  };
