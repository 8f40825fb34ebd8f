/** What deliveries of a feed's outputs tell the feed. */
import type { FeedCommand } from '#contracts/market/feed.ts';
import type { MarketSymbol } from '#contracts/ids.ts';
import type { CommandRequest } from '#domain/kernel/commit.ts';
import { feedStream, parseFeedSymbolStream } from '#domain/market/streams.ts';
import type { DeliveryCommands } from '#functions/publish/blocked-delivery.ts';

const request = (symbolStream: string, command: FeedCommand, id: string): CommandRequest<FeedCommand> => {
  const stream = feedStream(parseFeedSymbolStream(symbolStream));
  return {
    stream,
    command,
    commandId: `${id}:${symbolStream}`,
    actor: { kind: 'service', id: 'publish' },
    correlationId: stream,
  };
};

const symbolOf = (stream: string): MarketSymbol => parseFeedSymbolStream(stream).symbol as MarketSymbol;

/** The commands of a feed. Every stream with outputs is a symbol of one. */
export const feedDelivery: DeliveryCommands = {
  halted: ({ stream, blockedSinceMs, attempts, errorDetail }) =>
    request(
      stream,
      { type: 'HaltPublication', symbol: symbolOf(stream), blockedSinceMs, attempts, errorDetail },
      `halt:${blockedSinceMs}`,
    ),
  recovered: ({ stream, blockedSinceMs }) =>
    request(
      stream,
      { type: 'ConfirmPublication', symbol: symbolOf(stream), blockedSinceMs },
      `recovered:${blockedSinceMs}`,
    ),
};
