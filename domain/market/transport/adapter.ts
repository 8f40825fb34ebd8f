/**
 * One connection of a source to its venue: when it is made, given up, made again, held back and ended (market
 * reference, sections 1.5 and 6.2). What happens to it goes in, what is to be done comes out; time is data.
 */
import type { MetricName } from '#contracts/metrics.ts';
import { waitsBetweenTries } from '#domain/kernel/backoff.ts';
import { hasEnded, isReading } from '#domain/market/transport/adapter-status.ts';
import type { AdapterSetting } from '#domain/market/transport/setting.ts';

/** Where a connection stands. `tries` made in a row, the one under way included, are bounded by the retry of the source. */
export interface Adapter {
  readonly phase: Phase;
  /** The number of the connection that is meant, from 1; what is heard of another one is stale. 0 before the first. */
  readonly connection: number;
  readonly tries: number;
  /** Connections that were made, or tried, after the first. */
  readonly reconnectCount: number;
  /** When something was last read before a loss; absent while the adapter runs and before it ever ran. */
  readonly quietSinceMs?: number;
}

type Phase =
  | { readonly kind: 'created' }
  | { readonly kind: 'connecting'; readonly dueMs: number }
  | { readonly kind: 'waiting'; readonly dueMs: number }
  | { readonly kind: 'running'; readonly sinceMs: number; readonly readAtMs: number }
  /** Without `sinceMs` the venue had not confirmed yet, and is given time anew once there is room. */
  | { readonly kind: 'blocked'; readonly sinceMs?: number; readonly fullSinceMs: number }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed' };

/** What happens to an adapter. */
export type AdapterEvent =
  | { readonly type: 'start' | 'elapsed' | 'free' | 'stop' }
  | { readonly type: 'opened' | 'subscribed' | 'read' | 'full'; readonly connection: number }
  | ({ readonly type: 'lost'; readonly connection: number } & Loss)
  /** The sink has failed for good. */
  | { readonly type: 'broken'; readonly errorDetail: string };

/** Why a connection is over. */
export interface Loss {
  readonly errorDetail: string;
  /** How long the venue asked not to be tried again, in ms: tries wait for as long at least. */
  readonly retryAfterMs?: number;
}

/** What is told of the transport of a stream; a failure has a reason. */
export type TransportReport = {
  readonly reconnectCount?: number;
  /** How long nothing was read, in ms: what the venue said in that time is missing. */
  readonly gapMs?: number;
} & (
  | { readonly state: 'failed'; readonly errorDetail: string }
  | { readonly state: 'created' | 'running' | 'reconnecting' | 'stopped'; readonly errorDetail?: string }
);

/** What is to be done. `wake` asks for `elapsed` at or after the instant and replaces the one asked for before. */
export type AdapterCommand =
  | { readonly kind: LinkAct; readonly connection: number }
  | { readonly kind: 'wake'; readonly atMs: number }
  | { readonly kind: 'tell'; readonly report: TransportReport }
  | { readonly kind: 'count'; readonly metric: MetricName; readonly value: number };

/** The adapter after an event, and what is to be done. */
export interface AdapterStep {
  readonly adapter: Adapter;
  readonly commands: readonly AdapterCommand[];
}

/** An adapter that has not started. */
export const createdAdapter: Adapter = {
  phase: { kind: 'created' },
  connection: 0,
  tries: 0,
  reconnectCount: 0,
};

/** Takes one event; what comes after the end, or from a connection that is no longer meant, changes nothing. */
export const stepAdapter = (
  setting: AdapterSetting,
  adapter: Adapter,
  { event, nowMs }: { readonly event: AdapterEvent; readonly nowMs: number },
): AdapterStep => {
  const { kind } = adapter.phase;
  if (hasEnded(adapter)) return unchanged(adapter);
  if ('connection' in event && event.connection !== adapter.connection) return unchanged(adapter);
  const at = { setting, adapter, nowMs };
  switch (event.type) {
    case 'start':
      return kind === 'created'
        ? connected(at, [{ kind: 'tell', report: { state: 'created' } }])
        : unchanged(adapter);
    case 'opened':
      return kind === 'connecting' ? { adapter, commands: [of('subscribe', adapter)] } : unchanged(adapter);
    case 'subscribed':
      return confirmed(at);
    case 'read':
      return read(at);
    case 'full':
      return full(at);
    case 'free':
      return free(at);
    case 'elapsed':
      return elapsed(at);
    case 'lost':
      return lost(at, event);
    case 'broken':
      return ended(at, { state: 'failed', errorDetail: event.errorDetail });
    case 'stop':
      return ended(at, { state: 'stopped' });
  }
};

interface At {
  readonly setting: AdapterSetting;
  readonly adapter: Adapter;
  readonly nowMs: number;
}

const unchanged = (adapter: Adapter): AdapterStep => ({ adapter, commands: [] });

type LinkAct = 'connect' | 'subscribe' | 'close' | 'pause' | 'resume';

const of = (kind: LinkAct, { connection }: Adapter): AdapterCommand => ({ kind, connection });

const connected = ({ setting, adapter, nowMs }: At, before: readonly AdapterCommand[] = []): AdapterStep => {
  const dueMs = nowMs + setting.connectTimeoutMs;
  const { connection, tries } = adapter;
  const next: Adapter = {
    ...adapter,
    phase: { kind: 'connecting', dueMs },
    connection: connection + 1,
    tries: tries + 1,
  };
  return { adapter: next, commands: [...before, of('connect', next), { kind: 'wake', atMs: dueMs }] };
};

/** What was on its way when reading was held back may be the confirmation: it is heard, and nothing more is read. */
const confirmed = ({ setting, adapter, nowMs }: At): AdapterStep => {
  const { quietSinceMs, ...rest } = adapter;
  const { phase } = adapter;
  const isHeldBack = phase.kind === 'blocked' && phase.sinceMs === undefined;
  if (phase.kind !== 'connecting' && !isHeldBack) return unchanged(adapter);
  const report: TransportReport = {
    state: 'running',
    ...(adapter.reconnectCount > 0 ? { reconnectCount: adapter.reconnectCount } : {}),
    ...(quietSinceMs === undefined ? {} : { gapMs: nowMs - quietSinceMs }),
  };
  if (isHeldBack)
    return {
      adapter: { ...rest, phase: { ...phase, sinceMs: nowMs } },
      commands: [{ kind: 'tell', report }],
    };
  return {
    adapter: { ...rest, phase: { kind: 'running', sinceMs: nowMs, readAtMs: nowMs } },
    commands: [
      { kind: 'tell', report },
      { kind: 'wake', atMs: nowMs + setting.readTimeoutMs },
    ],
  };
};

const read = ({ adapter, nowMs }: At): AdapterStep =>
  adapter.phase.kind === 'running'
    ? { adapter: { ...adapter, phase: { ...adapter.phase, readAtMs: nowMs } }, commands: [] }
    : unchanged(adapter);

/**
 * The sink has no room: by policy nothing more is read until it has, or the adapter is at its end. A venue that sends
 * before it has confirmed is held back as well.
 */
const full = (at: At): AdapterStep => {
  const { setting, adapter, nowMs } = at;
  const { phase } = adapter;
  if (phase.kind !== 'running' && phase.kind !== 'connecting') return unchanged(adapter);
  const counted: AdapterCommand = { kind: 'count', metric: 'market_data.backpressure.count', value: 1 };
  const { policy, blockMaxMs } = setting.backpressure;
  if (policy === 'fail')
    return ended(at, { state: 'failed', errorDetail: 'backpressure: the sink is full' }, [counted]);
  return {
    adapter: {
      ...adapter,
      phase: {
        kind: 'blocked',
        ...(phase.kind === 'running' ? { sinceMs: phase.sinceMs } : {}),
        fullSinceMs: nowMs,
      },
    },
    commands: [
      counted,
      of('pause', adapter),
      ...(blockMaxMs === undefined ? [] : [{ kind: 'wake', atMs: nowMs + blockMaxMs } as const]),
    ],
  };
};

const free = ({ setting, adapter, nowMs }: At): AdapterStep => {
  const { phase } = adapter;
  if (phase.kind !== 'blocked') return unchanged(adapter);
  const { sinceMs } = phase;
  const dueMs = nowMs + (sinceMs === undefined ? setting.connectTimeoutMs : setting.readTimeoutMs);
  return {
    adapter: {
      ...adapter,
      phase:
        sinceMs === undefined ? { kind: 'connecting', dueMs } : { kind: 'running', sinceMs, readAtMs: nowMs },
    },
    commands: [...waited(adapter, nowMs), of('resume', adapter), { kind: 'wake', atMs: dueMs }],
  };
};

/** How long the sink had no room, however that ended. */
const waited = ({ phase }: Adapter, nowMs: number): readonly AdapterCommand[] =>
  phase.kind === 'blocked'
    ? [{ kind: 'count', metric: 'market_data.backpressure.blocked_ms', value: nowMs - phase.fullSinceMs }]
    : [];

const elapsed = (at: At): AdapterStep => {
  const { setting, adapter, nowMs } = at;
  const { phase } = adapter;
  switch (phase.kind) {
    case 'connecting':
      return due(at, phase.dueMs, () =>
        lost(at, { errorDetail: `not subscribed within ${setting.connectTimeoutMs} ms` }),
      );
    case 'waiting':
      return due(at, phase.dueMs, () => connected(at));
    case 'running':
      return due(at, phase.readAtMs + setting.readTimeoutMs, () =>
        lost(at, { errorDetail: `nothing was read for ${setting.readTimeoutMs} ms` }),
      );
    case 'blocked': {
      const { blockMaxMs = Number.POSITIVE_INFINITY } = setting.backpressure;
      const errorDetail = `backpressure: the sink was full for ${nowMs - phase.fullSinceMs} ms`;
      return due(at, phase.fullSinceMs + blockMaxMs, () => ended(at, { state: 'failed', errorDetail }));
    }
    case 'created':
    case 'stopped':
    case 'failed':
      return unchanged(adapter);
  }
};

/** Acts when the instant has come, and asks to be woken when it has not: reading moves it without a wake for each. */
const due = ({ adapter, nowMs }: At, dueMs: number, act: () => AdapterStep): AdapterStep => {
  if (nowMs >= dueMs) return act();
  return { adapter, commands: Number.isFinite(dueMs) ? [{ kind: 'wake', atMs: dueMs }] : [] };
};

/** A connection that held for as long as the longest delay begins the tries anew; it counts as the first of them. */
const lost = (at: At, { errorDetail, retryAfterMs = 0 }: Loss): AdapterStep => {
  const { setting, adapter, nowMs } = at;
  const { phase } = adapter;
  if (phase.kind !== 'running' && phase.kind !== 'blocked' && phase.kind !== 'connecting')
    return unchanged(adapter);
  const heldSinceMs = phase.kind === 'connecting' ? undefined : phase.sinceMs;
  const hasHeld = heldSinceMs !== undefined && nowMs - heldSinceMs >= setting.retry.maxDelayMs;
  const tries = hasHeld ? 1 : adapter.tries;
  const waitMs = waitsBetweenTries(setting.retry)[tries - 1];
  if (waitMs === undefined) return ended(at, { state: 'failed', errorDetail });
  const reconnectCount = adapter.reconnectCount + 1;
  const dueMs = nowMs + Math.max(waitMs, retryAfterMs);
  return {
    adapter: { ...adapter, ...quietSince(phase), phase: { kind: 'waiting', dueMs }, tries, reconnectCount },
    commands: [
      ...waited(adapter, nowMs),
      of('close', adapter),
      { kind: 'tell', report: { state: 'reconnecting', reconnectCount, errorDetail } },
      { kind: 'count', metric: 'market_data.transport.reconnects', value: 1 },
      { kind: 'wake', atMs: dueMs },
    ],
  };
};

const quietSince = (phase: Phase): Pick<Adapter, 'quietSinceMs'> => {
  if (phase.kind === 'running') return { quietSinceMs: phase.readAtMs };
  return phase.kind === 'blocked' && isReading(phase) ? { quietSinceMs: phase.fullSinceMs } : {};
};

const ended = (
  { adapter, nowMs }: At,
  report: TransportReport & { readonly state: 'stopped' | 'failed' },
  before: readonly AdapterCommand[] = [],
): AdapterStep => ({
  adapter: { ...adapter, phase: { kind: report.state } },
  commands: [...before, ...waited(adapter, nowMs), of('close', adapter), { kind: 'tell', report }],
});
