/**
 * Performs what a state owes. Every act has a deterministic name and is harmless when repeated; a failed one is
 * reported after the others were tried, so that one broken service does not hold up the rest.
 */
import type { Effect, OfferTask, SendMessage, StartExecution, WithdrawTask } from '#domain/kernel/effect.ts';
import type { Offers } from '#domain/ports/control.ts';
import type { Queues, Workflow } from '#domain/ports/outside.ts';
import { issuedCommand } from '#functions/shared/queued-command.ts';

export interface EffectPorts {
  readonly offers: Offers;
  readonly queues: Queues;
  readonly workflow: Workflow;
  /** The function that acts, as the actor of the commands it issues. */
  readonly serviceId: string;
}

/** How many acts of one kind run at once. */
const CONCURRENCY_MAX = 16;

/** Performs the effects, grouped by kind; throws the first failure after all were tried. */
export const performEffects =
  (ports: EffectPorts) =>
  async (effects: readonly Effect[]): Promise<void> => {
    const sends: Omit<SendMessage, 'kind' | 'name'>[] = [];
    const acts: (() => Promise<unknown>)[] = [];
    for (const effect of effects) {
      if (effect.kind === 'send-message') sends.push(effect);
      else if (effect.kind === 'issue-command') sends.push(issuedCommand(effect, ports.serviceId));
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

const perform = (ports: EffectPorts, effect: OfferTask | WithdrawTask | StartExecution): Promise<unknown> => {
  switch (effect.kind) {
    case 'offer-task': {
      const { kind: _kind, name: _name, ...offer } = effect;
      return ports.offers.put(offer);
    }
    case 'withdraw-task':
      return ports.offers.withdraw(effect);
    case 'start-execution':
      return ports.workflow.start(effect);
  }
};
