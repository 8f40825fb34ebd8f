/**
 * One append in flight per stream and process (ADR 0002): commands that arrive meanwhile wait and share the next
 * commit. Two pipelined appends, the first throttled and the second accepted, would leave a gap.
 */
import type { Aggregate, ProposedEvent } from '#domain/kernel/aggregate.ts';
import { isCommandFault } from '#domain/kernel/command-fault.ts';
import type { CommandOutcome, CommandRequest } from '#domain/kernel/commit.ts';
import { EffectsFailedError, handleCommands, TRIES_MAX } from '#functions/shared/command-handler.ts';
import type { CommandPorts, HandleOptions } from '#functions/shared/command-handler.ts';

/** Commands one commit takes at most; the rest share the one after it. */
const COMMANDS_PER_COMMIT_MAX = 50;

type AnyAggregate = Aggregate<unknown, never, ProposedEvent>;

interface Waiting {
  readonly request: CommandRequest<never>;
  readonly options: HandleOptions;
  readonly resolve: (outcome: CommandOutcome<never>) => void;
  readonly reject: (error: unknown) => void;
}

/** Decides commands of any stream, one commit at a time per stream. */
export interface Mailbox {
  readonly send: <State, Command extends { readonly type: string }>(
    aggregate: Aggregate<State, Command, ProposedEvent>,
    request: CommandRequest<Command>,
    options?: HandleOptions,
  ) => Promise<CommandOutcome<State>>;
}

/** A mailbox over these ports; create one per environment. */
export const mailbox = (ports: CommandPorts): Mailbox => {
  const boxes = new Map<string, Waiting[]>();

  const drain = async (aggregate: AnyAggregate, stream: string): Promise<void> => {
    // Whatever is sent in this turn of the event loop shares the first commit.
    await Promise.resolve();
    const box = boxes.get(stream);
    while (box && box.length > 0) await decide(ports, aggregate, box.splice(0, COMMANDS_PER_COMMIT_MAX));
    boxes.delete(stream);
  };

  return {
    send: (aggregate, request, options = {}) =>
      new Promise((resolve, reject) => {
        const waiting = { request, options, resolve, reject } as unknown as Waiting;
        const box = boxes.get(request.stream);
        if (box) {
          box.push(waiting);
          return;
        }
        boxes.set(request.stream, [waiting]);
        void drain(aggregate as unknown as AnyAggregate, request.stream);
      }),
  };
};

/**
 * Decides a batch as one commit, or as several when together they are too much for one. A command whose decision
 * breaks an invariant fails alone: the others are decided as if it had not been sent.
 */
const decide = async (
  ports: CommandPorts,
  aggregate: AnyAggregate,
  batch: readonly Waiting[],
): Promise<void> => {
  const options = mergeOptions(batch.map((waiting) => waiting.options));
  const requests = batch.map((waiting) => waiting.request);
  try {
    answer(batch, await handleCommands(ports, aggregate, { requests, options }));
  } catch (error) {
    const culprit = culpritOf(batch, error);
    if (culprit) fail(ports, culprit, error);
    const parts = culprit ? [batch.filter((waiting) => waiting !== culprit)] : partsOf(batch, error);
    if (!parts) failTogether(batch, error);
    else for (const part of parts) if (part.length > 0) await decide(ports, aggregate, part);
  }
};

/** The one whose fault it is, when it is known. */
const culpritOf = (batch: readonly Waiting[], error: unknown): Waiting | undefined =>
  isCommandFault(error) && error.requestIndex !== undefined ? batch[error.requestIndex] : undefined;

const fail = ({ telemetry }: CommandPorts, { request, reject }: Waiting, error: unknown): void => {
  const { stream, command, correlationId } = request as CommandRequest<{ readonly type: string }>;
  telemetry.count('CommandsFailed');
  telemetry.log('error', 'deciding a command broke an invariant; it fails alone', {
    stream,
    commandType: command.type,
    correlationId,
    errorName: error instanceof Error ? error.name : 'unknown',
    errorMessage: error instanceof Error ? error.message : String(error),
    stack: error instanceof Error && error.cause instanceof Error ? error.cause.stack : undefined,
  });
  reject(error);
};

/** Halves to decide apart: of commands that are too much for one commit, or of which nobody knows whose fault it was. */
const partsOf = (batch: readonly Waiting[], error: unknown): readonly (readonly Waiting[])[] | undefined => {
  if (batch.length === 1 || !(isTooLarge(error) || isCommandFault(error))) return undefined;
  const middle = Math.ceil(batch.length / 2);
  return [batch.slice(0, middle), batch.slice(middle)];
};

const failTogether = (batch: readonly Waiting[], error: unknown): void => {
  const isEffects = error instanceof EffectsFailedError;
  for (const [index, { options, resolve, reject }] of batch.entries()) {
    const outcome = isEffects && !options.effectsMustSucceed ? error.outcomes[index] : undefined;
    if (outcome) resolve(outcome as CommandOutcome<never>);
    else reject(error);
  }
};

const answer = (batch: readonly Waiting[], outcomes: readonly CommandOutcome<unknown>[]): void =>
  batch.forEach((waiting, index) => waiting.resolve(outcomes[index] as CommandOutcome<never>));

const isTooLarge = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'commit_too_large';

/** What suits all who share a commit; a failed effect is told only to those who asked for it. */
const mergeOptions = (all: readonly HandleOptions[]): HandleOptions => ({
  triesMax: Math.max(...all.map((options) => options.triesMax ?? TRIES_MAX)),
  effectsMustSucceed: all.some((options) => options.effectsMustSucceed),
  ...(all.some((options) => options.performAll) ? { performAll: true } : {}),
  assumeNew: all.every((options) => options.assumeNew),
  isTaken: (effect) => all.every((options) => options.isTaken?.(effect)),
});
