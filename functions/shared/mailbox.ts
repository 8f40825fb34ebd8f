/**
 * One append in flight per stream and process (ADR 0002): commands that arrive meanwhile wait and share the next
 * commit. Two pipelined appends, the first throttled and the second accepted, would leave a gap.
 */
import type { Aggregate, ProposedEvent } from '#domain/kernel/aggregate.ts';
import type { CommandOutcome, CommandRequest } from '#domain/kernel/commit.ts';
import { handleCommands } from '#functions/shared/command-handler.ts';
import type { CommandPorts, HandleOptions } from '#functions/shared/command-handler.ts';

/** Commands one commit takes at most; the rest share the one after it. */
const COMMANDS_PER_COMMIT_MAX = 50;

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

  const drain = async (
    aggregate: Aggregate<unknown, never, ProposedEvent>,
    stream: string,
  ): Promise<void> => {
    const box = boxes.get(stream);
    while (box && box.length > 0) {
      const batch = box.splice(0, COMMANDS_PER_COMMIT_MAX);
      const options = mergeOptions(batch.map((waiting) => waiting.options));
      try {
        const requests = batch.map((waiting) => waiting.request);
        const outcomes = await handleCommands(ports, aggregate, { requests, options });
        batch.forEach((waiting, index) => waiting.resolve(outcomes[index] as CommandOutcome<never>));
      } catch (error) {
        for (const waiting of batch) waiting.reject(error);
      }
    }
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
        void drain(aggregate as unknown as Aggregate<unknown, never, ProposedEvent>, request.stream);
      }),
  };
};

/** The strictest wish of all who share a commit. */
const mergeOptions = (all: readonly HandleOptions[]): HandleOptions => ({
  triesMax: Math.max(...all.map((options) => options.triesMax ?? 8)),
  effectsMustSucceed: all.some((options) => options.effectsMustSucceed),
  performAll: all.some((options) => options.performAll),
  assumeNew: all.every((options) => options.assumeNew),
});
