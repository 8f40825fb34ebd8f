/**
 * The only way facts come into being (law 3): load, decide, append conditionally, then act. Commands that wait
 * for an append in flight on their stream are decided together in the next commit.
 */
import type { Aggregate, ProposedEvent } from '#domain/kernel/aggregate.ts';
import { prepareCommit } from '#domain/kernel/commit.ts';
import type { CommandOutcome, CommandRequest, PreparedCommit } from '#domain/kernel/commit.ts';
import type { Effect } from '#domain/kernel/effect.ts';
import { emptyStream } from '#domain/kernel/stream.ts';
import type { StreamState } from '#domain/kernel/stream.ts';
import type { Ledger } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { AggregateCache } from '#functions/shared/aggregate-cache.ts';
import { loadStream } from '#functions/shared/load.ts';

export interface CommandPorts {
  readonly ledger: Ledger;
  readonly cache: AggregateCache;
  readonly telemetry: Telemetry;
  readonly nowMs: () => number;
  readonly mintEventId: (nowMs: number) => string;
  readonly storedBytes: (text: string) => number;
  /** Performs effects; what it throws is logged for HTTP callers and thrown for queue-fed handlers. */
  readonly perform: (effects: readonly Effect[]) => Promise<void>;
}

export interface HandleOptions {
  /** Tries before the answer is `contention`; default 8. */
  readonly triesMax?: number;
  /** Queue-fed handlers fail their message when an effect fails; HTTP callers never see it. */
  readonly effectsMustSucceed?: boolean;
  /** Perform everything outstanding, not only what this commit added: for redelivered commands and sweeps. */
  readonly performAll?: boolean;
  /** The caller knows the stream is new: skip the read and let the append find out. */
  readonly assumeNew?: boolean;
}

/** The aggregate lost every race it was given; nothing was written for these commands. */
export class ContentionError extends Error {
  readonly code = 'contention';
  constructor(stream: string, tries: number) {
    super(`${tries} appends to ${stream} lost their race; retry after a moment`);
    this.name = 'ContentionError';
  }
}

type AnyAggregate<State, Command extends { readonly type: string }> = Aggregate<
  State,
  Command,
  ProposedEvent
>;

const DEFAULT_TRIES = 8;

interface Attempt<State> {
  readonly prepared: PreparedCommit<State>;
  readonly effectsBefore: ReadonlySet<string>;
}

/** Decides all requests, which must be of one stream, as one commit; answers one outcome per request. */
export const handleCommands = async <State, Command extends { readonly type: string }>(
  ports: CommandPorts,
  aggregate: AnyAggregate<State, Command>,
  {
    requests,
    options = {},
  }: { readonly requests: readonly CommandRequest<Command>[]; readonly options?: HandleOptions },
): Promise<readonly CommandOutcome<State>[]> => {
  const stream = requests[0]?.stream;
  if (stream === undefined) return [];
  const triesMax = options.triesMax ?? DEFAULT_TRIES;
  let isFresh = false;
  for (let tries = 1; tries <= triesMax; tries++) {
    const cached = isFresh ? undefined : (ports.cache.take(stream) as StreamState<State> | undefined);
    const isNew = !cached && options.assumeNew === true && tries === 1;
    const loaded =
      cached ?? (isNew ? emptyStream(aggregate) : await loadStream(ports.ledger, aggregate, stream));
    const attempt = prepare(ports, aggregate, { loaded, requests });
    const { prepared } = attempt;
    if (!prepared.commit) {
      // Nothing guards an answer that writes nothing: from a cached state it is given only after a fresh look.
      if (!cached && !isNew) {
        keep(ports, aggregate, stream, prepared.next);
        await act(ports, aggregate, {
          attempt,
          options: { ...options, performAll: options.performAll ?? isRepeat(prepared.outcomes) },
        });
        return prepared.outcomes;
      }
      isFresh = true;
      tries -= isNew ? 0 : 1;
      continue;
    }
    const appended = await ports.ledger.append(prepared.commit);
    if (appended.kind === 'appended') {
      ports.telemetry.count('EventsAppended', prepared.commit.events.length);
      keep(ports, aggregate, stream, prepared.next);
      await keepLooseState(ports, stream, aggregate, prepared);
      await act(ports, aggregate, { attempt, options });
      return prepared.outcomes;
    }
    ports.telemetry.count('AppendConflicts', 1);
    isFresh = true;
  }
  throw new ContentionError(stream, triesMax);
};

const prepare = <State, Command extends { readonly type: string }>(
  ports: CommandPorts,
  aggregate: AnyAggregate<State, Command>,
  {
    loaded,
    requests,
  }: { readonly loaded: StreamState<State>; readonly requests: readonly CommandRequest<Command>[] },
): Attempt<State> => {
  const nowMs = ports.nowMs();
  const effectsBefore = new Set(aggregate.outstanding(loaded.state, nowMs).map((effect) => effect.name));
  const setting = { nowMs, mintEventId: ports.mintEventId, storedBytes: ports.storedBytes };
  return { prepared: prepareCommit(aggregate, requests, { loaded, setting }), effectsBefore };
};

/** A command that was satisfied already may be the repeat of one whose effects were lost. */
const isRepeat = (outcomes: readonly CommandOutcome<unknown>[]): boolean =>
  outcomes.some(({ kind }) => kind === 'unchanged' || kind === 'repeated');

const keep = <State, Command extends { readonly type: string }>(
  ports: CommandPorts,
  aggregate: AnyAggregate<State, Command>,
  stream: string,
  state: StreamState<State>,
): void => {
  if (!aggregate.isTerminal(state.state)) ports.cache.put(stream, state);
};

const keepLooseState = async <State>(
  ports: CommandPorts,
  stream: string,
  aggregate: { readonly foldVersion: number },
  { looseState, next }: PreparedCommit<State>,
): Promise<void> => {
  if (looseState === undefined) return;
  const item = { version: next.version, state: { foldVersion: aggregate.foldVersion, text: looseState } };
  await ports.ledger.keepState(stream, item);
};

const act = async <State, Command extends { readonly type: string }>(
  ports: CommandPorts,
  aggregate: AnyAggregate<State, Command>,
  { attempt, options }: { readonly attempt: Attempt<State>; readonly options: HandleOptions },
): Promise<void> => {
  const owed = aggregate.outstanding(attempt.prepared.next.state, ports.nowMs());
  const effects = options.performAll
    ? owed
    : owed.filter((effect) => !attempt.effectsBefore.has(effect.name));
  if (effects.length === 0) return;
  try {
    await ports.perform(effects);
    ports.telemetry.count('EffectsPerformed', effects.length);
  } catch (error) {
    ports.telemetry.count('EffectsFailed', 1);
    if (options.effectsMustSucceed) throw error;
    // The facts are durable and the sweeper performs what is owed: the caller is not told of our trouble.
    ports.telemetry.log('error', 'effects failed after the commit; the sweeper repeats them', {
      errorName: error instanceof Error ? error.name : 'unknown',
      errorMessage: error instanceof Error ? error.message : String(error),
      effects: effects.map((effect) => effect.name).slice(0, 10),
    });
  }
};
