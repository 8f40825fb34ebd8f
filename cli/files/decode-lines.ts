/** `market decode` line by line: a received message → the market events it stands for, failures to decode among them. */
import { MarketSymbol } from '#contracts/ids.ts';
import { parseMarketDataConfig } from '#contracts/market/market-data-config.ts';
import type { MarketDataSource } from '#contracts/market/market-data-config.ts';
import type { RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import { ReceivedMessage } from '#contracts/market/received-message.ts';
import { binanceChannels, decodeBinance } from '#domain/market/decode/binance.ts';
import { decodePayload } from '#domain/market/decode/decoder.ts';
import { marketEventLine } from '#domain/market/decode/received.ts';
import type { Received } from '#domain/market/decode/received.ts';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { lineReader, refusedLine } from '#cli/files/answer-lines.ts';
import type { Answers, LineAnswers, ReadLine } from '#cli/files/answer-lines.ts';

const readMessage = lineReader(ReceivedMessage, 'invalid_received_message');

/** Without a configuration every message is decoded, under the symbol it has. */
export const decodeLines = (given: unknown): LineAnswers => {
  const sources = given === undefined ? undefined : sourcesOf(given);
  return {
    answer: (line): Answers => {
      const read = readMessage(line);
      if (read.kind === 'refused') return [read.refusal];
      const symbol = symbolOf(read.value, sources);
      if (symbol.kind === 'refused') return [symbol.refusal];
      return eventsOf(read.value, symbol.value).map(marketEventLine);
    },
  };
};

type Sources = ReadonlyMap<string, MarketDataSource>;

const sourcesOf = (given: unknown): Sources => {
  const result = parseMarketDataConfig(given);
  if (result.kind === 'invalid')
    throw new CliError('invalid_config', `the configuration is refused: ${result.message}`, {
      exitCode: exitCodes.usage,
    });
  return new Map(result.config.sources.map((source) => [source.source_id, source]));
};

const channelOf = ({ stream, channel }: ReceivedMessage): string | null =>
  stream === undefined ? (channel ?? null) : binanceChannels[stream];

/** The symbol of a message, or why it is not taken. */
const symbolOf = (message: ReceivedMessage, sources: Sources | undefined): ReadLine<MarketSymbol> => {
  const refused = (...why: Parameters<typeof refusedLine>): ReadLine<MarketSymbol> => ({
    kind: 'refused',
    refusal: refusedLine(...why),
  });
  const { source_id: sourceId, symbol: name } = message;
  if (!sources) {
    const symbol = MarketSymbol.safeParse(name);
    return symbol.success
      ? { kind: 'read', value: symbol.data }
      : refused('invalid_received_message', `symbol ${JSON.stringify(name)} must be printable characters`);
  }
  const source = sources.get(sourceId);
  if (!source) return refused('unlisted_source', `no source is called ${sourceId}`);
  const channel = channelOf(message);
  if (channel === null || !source.channels.includes(channel))
    return refused('unlisted_channel', `source ${sourceId} does not list channel ${String(channel)}`);
  const value = Object.hasOwn(source.symbol_map, name) ? source.symbol_map[name] : undefined;
  return value === undefined
    ? refused('unlisted_symbol', `source ${sourceId} does not map symbol ${name}`)
    : { kind: 'read', value };
};

const eventsOf = (message: ReceivedMessage, symbol: MarketSymbol): readonly RawMarketEvent[] => {
  const { stream, event_type: eventType = '' } = message;
  const received = receivedOf(message, symbol);
  if (stream !== undefined) return decodeBinance(stream, received);
  const { exchange_ts_ms, channel, source_event_id, source_seq } = message;
  return [
    decodePayload(eventType, received, {
      exchangeTsMs: exchange_ts_ms ?? null,
      channel: channel ?? null,
      sourceEventId: source_event_id ?? null,
      sourceSeq: source_seq ?? null,
    }),
  ];
};

const receivedOf = (message: ReceivedMessage, symbol: MarketSymbol): Received => ({
  sourceId: message.source_id,
  symbol,
  recvTsMs: message.recv_ts_ms,
  rawPayload:
    message.raw_payload_encoding === 'base64'
      ? new Uint8Array(Buffer.from(message.raw_payload, 'base64'))
      : message.raw_payload,
  contentType: message.payload_content_type ?? null,
  payloadHash: message.payload_hash ?? null,
});
