/**
 * The only way facts come into being (law 3): load, decide, append conditionally, then act. Commands that wait
 * for an append in flight on their stream are decided together in the next commit.
 */
import type { Aggregate, ProposedEvent } from '#domain/kernel/aggregate.ts';
import { blaming } from '#domain/kernel/command-fault.ts';
import { prepareCommit } from '#domain/kernel/commit.ts';
import type { CommandOutcome, CommandRequest, PreparedCommit } from '#domain/kernel/commit.ts';
import type { Effect } from '#domain/kernel/effect.ts';
import { emptyStream } from '#domain/kernel/stream.ts';
import type { StreamState } from '#domain/kernel/stream.ts';
import type { Ledger, StoredCommit } from '#domain/ports/ledger.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import type { AggregateCache } from '#functions/shared/aggregate-cache.ts';
import { countEvents } from '#functions/shared/event-metrics.ts';
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
  /** What the caller does itself once it is answered: such an effect is not performed. */
  readonly isTaken?: (effect: Effect) => boolean;
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

/** The facts are durable and an act they owe failed; a queue-fed handler fails its message with the cause. */
export class EffectsFailedError extends Error {
  readonly code = 'effects_failed';
  readonly outcomes: readonly CommandOutcome<unknown>[];
  constructor(stream: string, outcomes: readonly CommandOutcome<unknown>[], cause: unknown) {
    super(`effects owed by ${stream} failed: ${messageOf(cause)}`, { cause });
    this.name = 'EffectsFailedError';
    this.outcomes = outcomes;
  }
}

type AnyAggregate<State, Command extends { readonly type: string }> = Aggregate<
  State,
  Command,
  ProposedEvent
>;

/** Appends one command may lose before it is answered `contention`. */
export const TRIES_MAX = 8;

/** Where deciding starts. A guess may be behind the ledger; only a conditional append can tell. */
interface Start<State> {
  readonly loaded: StreamState<State>;
  readonly isGuess: boolean;
}

interface Attempt<State> {
  readonly prepared: PreparedCommit<State>;
  readonly effectsBefore: ReadonlySet<string>;
  /** Everything the state owes once the commit stands. */
  readonly owed: readonly Effect[];
}

/**
 * Decides all requests, which must be of one stream, as one commit; answers one outcome per request. Throws
 * `CommandFaultError` when deciding one of them breaks an invariant: then nothing was written for any.
 */
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
  const triesMax = options.triesMax ?? TRIES_MAX;
  let mayGuess = true;
  for (let lost = 0; lost < triesMax;) {
    const { loaded, isGuess } = await startOf(ports, aggregate, { stream, mayGuess, options });
    mayGuess = false;
    const attempt = isGuess
      ? prepareOnGuess(ports, aggregate, { loaded, requests })
      : prepare(ports, aggregate, { loaded, requests });
    if (!attempt) continue;
    const { commit } = attempt.prepared;
    if (!commit || (await isAppended(ports, aggregate, commit)))
      return settle(ports, aggregate, { stream, attempt, options });
    lost++;
  }
  throw new ContentionError(stream, triesMax);
};

const startOf = async <State, Command extends { readonly type: string }>(
  { cache, ledger }: CommandPorts,
  aggregate: AnyAggregate<State, Command>,
  place: { readonly stream: string; readonly mayGuess: boolean; readonly options: HandleOptions },
): Promise<Start<State>> => {
  const { stream, mayGuess, options } = place;
  const cached = mayGuess ? (cache.take(stream) as StreamState<State> | undefined) : undefined;
  if (cached) return { loaded: cached, isGuess: true };
  if (mayGuess && options.assumeNew) return { loaded: emptyStream(aggregate), isGuess: true };
  return { loaded: await loadStream(ledger, aggregate, stream), isGuess: false };
};

interface Given<State, Command> {
  readonly loaded: StreamState<State>;
  readonly requests: readonly CommandRequest<Command>[];
}

const prepare = <State, Command extends { readonly type: string }>(
  ports: CommandPorts,
  aggregate: AnyAggregate<State, Command>,
  { loaded, requests }: Given<State, Command>,
): Attempt<State> => {
  const nowMs = ports.nowMs();
  const effectsBefore = new Set(aggregate.outstanding(loaded.state, nowMs).map((effect) => effect.name));
  const setting = { nowMs, mintEventId: ports.mintEventId, storedBytes: ports.storedBytes };
  const prepared = prepareCommit(aggregate, requests, { loaded, setting });
  // Asked for before the append: a state that cannot tell what it owes is never written.
  const onlyRequest = requests.length === 1 ? 0 : undefined;
  const owed = blaming(onlyRequest, () => aggregate.outstanding(prepared.next.state, nowMs));
  return { prepared, effectsBefore, owed };
};

/**
 * The attempt when an append will guard it. Nothing guards an answer that writes nothing, nor a fault: after a guess
 * either is given only after a fresh look.
 */
const prepareOnGuess = <State, Command extends { readonly type: string }>(
  ports: CommandPorts,
  aggregate: AnyAggregate<State, Command>,
  given: Given<State, Command>,
): Attempt<State> | undefined => {
  try {
    const attempt = prepare(ports, aggregate, given);
    return attempt.prepared.commit && attempt;
  } catch (error) {
    ports.telemetry.log('warn', 'a command met a fault on a state kept warm; it is decided on a fresh load', {
      stream: given.requests[0]?.stream,
      errorMessage: messageOf(error),
    });
    return undefined;
  }
};

const isAppended = async (
  { ledger, telemetry }: CommandPorts,
  { kind }: { readonly kind: string },
  commit: StoredCommit,
): Promise<boolean> => {
  const { kind: answer } = await ledger.append(commit);
  if (answer === 'appended') {
    telemetry.count('EventsAppended', commit.events.length, { kind });
    countEvents(telemetry, commit.events);
  } else telemetry.count('AppendConflicts', 1, { kind });
  return answer === 'appended';
};

/** What follows once the facts stand: keep the stream warm, and act. */
const settle = async <State, Command extends { readonly type: string }>(
  ports: CommandPorts,
  aggregate: AnyAggregate<State, Command>,
  {
    stream,
    attempt,
    options,
  }: { readonly stream: string; readonly attempt: Attempt<State>; readonly options: HandleOptions },
): Promise<readonly CommandOutcome<State>[]> => {
  const { next, outcomes } = attempt.prepared;
  if (!aggregate.isTerminal(next.state)) ports.cache.put(stream, next);
  countOutcomes(ports, aggregate, outcomes);
  await keepLooseState(ports, aggregate, { stream, prepared: attempt.prepared });
  await act(ports, stream, { attempt, options });
  return outcomes;
};

const countOutcomes = (
  { telemetry }: CommandPorts,
  { kind }: { readonly kind: string },
  outcomes: readonly CommandOutcome<unknown>[],
): void => {
  const refusedCount = outcomes.filter((outcome) => outcome.kind === 'rejected').length;
  if (refusedCount > 0) telemetry.count('CommandsRefused', refusedCount);
  if (refusedCount < outcomes.length)
    telemetry.count('CommandsDecided', outcomes.length - refusedCount, { kind });
};

/** A large state is kept beside the stream; without it the next load only folds further back. */
const keepLooseState = async <State>(
  { ledger, telemetry }: CommandPorts,
  { foldVersion }: { readonly foldVersion: number },
  { stream, prepared }: { readonly stream: string; readonly prepared: PreparedCommit<State> },
): Promise<void> => {
  const { looseState, next } = prepared;
  if (looseState === undefined) return;
  try {
    await ledger.keepState(stream, { version: next.version, state: { foldVersion, text: looseState } });
  } catch (error) {
    telemetry.log('warn', 'a state could not be kept beside its stream', {
      stream,
      sequence: next.version,
      errorMessage: messageOf(error),
    });
  }
};

const act = async (
  ports: CommandPorts,
  stream: string,
  { attempt, options }: { readonly attempt: Attempt<unknown>; readonly options: HandleOptions },
): Promise<void> => {
  const { owed, effectsBefore, prepared } = attempt;
  const { outcomes } = prepared;
  const isAll = options.performAll ?? isRepeat(outcomes);
  const effects = owed.filter(
    (effect) => (isAll || !effectsBefore.has(effect.name)) && !options.isTaken?.(effect),
  );
  if (effects.length === 0) return;
  try {
    await ports.perform(effects);
    ports.telemetry.count('EffectsPerformed', effects.length);
  } catch (error) {
    ports.telemetry.count('EffectsFailed', 1);
    ports.telemetry.log('error', 'effects failed after the commit; they are performed again', {
      stream,
      errorName: error instanceof Error ? error.name : 'unknown',
      errorMessage: messageOf(error),
      effects: effects.map((effect) => effect.name).slice(0, 10),
    });
    // The facts are durable and the sweeper performs what is owed: HTTP callers are not told of our trouble.
    if (options.effectsMustSucceed) throw new EffectsFailedError(stream, outcomes, error);
  }
};

/** A command that was satisfied already may be the repeat of one whose effects were lost. */
const isRepeat = (outcomes: readonly CommandOutcome<unknown>[]): boolean =>
  outcomes.some(({ kind }) => kind === 'unchanged' || kind === 'repeated');

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
