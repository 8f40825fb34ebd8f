/** Names of the ledger streams of the market plane, and their way back. */
import type { StreamId } from '#contracts/ids.ts';

/** A feed of a workspace. */
export interface FeedRef {
  readonly tenantId: string;
  readonly workspaceId: string;
  readonly feedId: string;
}

/** One symbol of a feed. */
export interface FeedSymbolRef extends FeedRef {
  readonly symbol: string;
}

/** `feed#tenant/workspace/feed`. */
export const feedStream = ({ tenantId, workspaceId, feedId }: FeedRef): StreamId =>
  `feed#${tenantId}/${workspaceId}/${feedId}` as StreamId;

/** `feed-symbol#tenant/workspace/feed/symbol`; the symbol may hold any character, `/` and `#` included. */
export const feedSymbolStream = ({ tenantId, workspaceId, feedId, symbol }: FeedSymbolRef): StreamId =>
  `feed-symbol#${tenantId}/${workspaceId}/${feedId}/${symbol}` as StreamId;

/** The feed a stream name means. Throws on any other name. */
export const parseFeedStream = (stream: string): FeedRef => {
  const [, tenantId, workspaceId, feedId] = /^feed#([^/]+)\/([^/]+)\/([^/]+)$/.exec(stream) ?? [];
  if (tenantId === undefined || workspaceId === undefined || feedId === undefined)
    throw new Error(`${stream} is no feed stream`);
  return { tenantId, workspaceId, feedId };
};

/** The symbol of a feed a stream name means. Throws on any other name. */
export const parseFeedSymbolStream = (stream: string): FeedSymbolRef => {
  const match = /^feed-symbol#([^/]+)\/([^/]+)\/([^/]+)\/(.+)$/su.exec(stream) ?? [];
  const [, tenantId, workspaceId, feedId, symbol] = match;
  if (tenantId === undefined || workspaceId === undefined || feedId === undefined || symbol === undefined)
    throw new Error(`${stream} is no feed-symbol stream`);
  return { tenantId, workspaceId, feedId, symbol };
};

/** `workspace/feed|symbol`: the order key of everything published for a symbol. */
export const orderKey = ({ workspaceId, feedId, symbol }: FeedSymbolRef): string =>
  `${workspaceId}/${feedId}|${symbol}`;
