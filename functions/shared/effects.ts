/**
 * Performs what a state owes. Every act has a deterministic name and is harmless when repeated; a failed one is
 * reported after the others were tried, so that one broken service does not hold up the rest.
 */
import type {
  Effect,
  IssueCommand,
  OfferTask,
  SendMessage,
  StartExecution,
  WithdrawTask,
} from '#domain/kernel/effect.ts';
import type { Offers } from '#domain/ports/control.ts';
import type { Queues, Workflow } from '#domain/ports/outside.ts';

export interface EffectPorts {
  readonly offers: Offers;
  readonly queues: Queues;
  readonly workflow: Workflow;
  /** Issues the ordinary command again under its deterministic name. */
  readonly issue: (effect: IssueCommand) => Promise<void>;
}

/** How many acts of one kind run at once. */
const CONCURRENCY_MAX = 16;

/** Performs the effects, grouped by kind; throws the first failure after all were tried. */
export const performEffects =
  (ports: EffectPorts) =>
  async (effects: readonly Effect[]): Promise<void> => {
    const sends: SendMessage[] = [];
    const acts: (() => Promise<unknown>)[] = [];
    for (const effect of effects) {
      if (effect.kind === 'send-message') sends.push(effect);
      else acts.push(() => perform(ports, effect));
    }
    if (sends.length > 0) acts.unshift(() => ports.queues.send(sends));
    const failures: unknown[] = [];
    for (let start = 0; start < acts.length; start += CONCURRENCY_MAX) {
      const results = await Promise.allSettled(
        acts.slice(start, start + CONCURRENCY_MAX).map((act) => act()),
      );
      for (const result of results) if (result.status === 'rejected') failures.push(result.reason);
    }
    if (failures.length > 0) throw failures[0];
  };

const perform = (
  ports: EffectPorts,
  effect: OfferTask | WithdrawTask | StartExecution | IssueCommand,
): Promise<unknown> => {
  switch (effect.kind) {
    case 'offer-task': {
      const { kind: _kind, name: _name, ...offer } = effect;
      return ports.offers.put(offer);
    }
    case 'withdraw-task':
      return ports.offers.withdraw(effect);
    case 'start-execution':
      return ports.workflow.start(effect);
    case 'issue-command':
      return ports.issue(effect);
  }
};
