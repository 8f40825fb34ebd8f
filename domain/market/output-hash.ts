/**
 * The hash of what a feed said. Each symbol has a chain over its events in order; the whole is a hash over the chains,
 * so that it does not depend on how symbols interleave. What differs between two tellings of the same runs is left out:
 * `published_ts_ms`, `attempt`, repeated deliveries, and skipped runs, which a feed may be told not to say.
 */
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';

/** What is read of an orchestrator event; every other member is compared, and not looked at. */
export type SaidEvent = Readonly<Record<string, unknown>> & {
  readonly event_type: string;
  readonly symbol: string;
};

interface Chain {
  digest: string;
  readonly seen: Set<string>;
}

/** Whether an event may come again, as deliveries do, or each comes once, as from a ledger: then none is remembered. */
type Telling = 'repeated' | 'once';

/** A hash under way; it belongs to whoever feeds it. */
export interface OutputHash {
  readonly chains: Map<string, Chain>;
  readonly telling: Telling;
}

/** A hash of nothing. Its memory grows with the events where they may be repeated, else with the symbols alone. */
export const openOutputHash = (telling: Telling = 'repeated'): OutputHash => ({ chains: new Map(), telling });

/** What an event says of its run, without the members that only tell how the telling went. */
export const withoutOperational = (event: SaidEvent): Readonly<Record<string, unknown>> => {
  const { published_ts_ms: _published, attempt: _attempt, ...said } = event;
  return said;
};

/** An event as text that two tellings of one run have in common; undefined for one that is not compared. */
const comparableText = (event: SaidEvent): string | undefined =>
  event.event_type === 'EngineRunSkipped' ? undefined : canonicalJson(withoutOperational(event));

/**
 * Takes the next event of its symbol, and answers the text it was taken as; one that was taken before, or is not
 * compared, changes nothing.
 */
export const addOutput = ({ chains, telling }: OutputHash, event: SaidEvent): string | undefined => {
  const text = comparableText(event);
  if (text === undefined) return undefined;
  const link = sha256Hex(text);
  const chain = chains.get(event.symbol) ?? { digest: '', seen: new Set() };
  if (chain.seen.has(link)) return undefined;
  if (telling === 'repeated') chain.seen.add(link);
  chain.digest = sha256Hex(`${chain.digest}\n${link}`);
  chains.set(event.symbol, chain);
  return text;
};

/** The hash of what was taken so far: SHA-256 over a line `"symbol":digest` for each symbol, sorted. */
export const outputDigest = ({ chains }: OutputHash): string =>
  sha256Hex(
    [...chains]
      .map(([symbol, { digest }]) => `${JSON.stringify(symbol)}:${digest}`)
      .sort()
      .join('\n'),
  );
