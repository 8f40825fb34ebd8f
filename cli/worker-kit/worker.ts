/**
 * A worker: takes tasks, claimed over HTTP or sent to a queue of its own, works on them, and reports how each ended. It
 * needs the API and no AWS credentials. This folder imports `contracts/` and zod alone, so that both folders can be
 * copied together.
 */
import { workOn } from '#cli/worker-kit/attempt.ts';
import type { Execute } from '#cli/worker-kit/attempt.ts';
import { claims } from '#cli/worker-kit/claims.ts';
import type { ClaimSetting } from '#cli/worker-kit/claims.ts';
import { messages } from '#cli/worker-kit/messages.ts';
import type { MessageSetting } from '#cli/worker-kit/messages.ts';
import { post as postByFetch } from '#cli/worker-kit/request.ts';
import type { Post } from '#cli/worker-kit/request.ts';
import { shutdownAfter } from '#cli/worker-kit/shutdown.ts';
import type { Delivery } from '#cli/worker-kit/source.ts';

/** What every worker is told. */
interface WorkerBasics {
  /** Root of the API, with the stage and without `/v1`. */
  readonly url: string;
  readonly workspace: string;
  readonly workerId: string;
  /** Tasks in work at once, at least 1. */
  readonly concurrency: number;
  readonly execute: Execute;
  /** Ends the worker: nothing more is taken, and what is in work gets the grace. */
  readonly signal: AbortSignal;
  /** Told in one line what happens. */
  readonly onEvent: (text: string) => void;
  /** How long work may go on after the signal; default 30,000. 15 seconds later the worker has ended. */
  readonly graceMs?: number;
  /** How requests are sent; default `fetch`. */
  readonly post?: Post;
  /** Spreads the pauses of many workers; default `Math.random`. */
  readonly chance?: () => number;
}

/** A worker that claims, or one that receives from the queue of an execution location. */
export type WorkerSetting = WorkerBasics & (ClaimSetting | MessageSetting);

const GRACE_MS = 30_000;

/** Works until the signal; throws `ClaimRefused` when claims are refused. Either way what is in work is ended first. */
export const runWorker = async (setting: WorkerSetting): Promise<void> => {
  const { signal, graceMs = GRACE_MS, post = postByFetch, chance = Math.random } = setting;
  const shared = { post, chance, shutdown: shutdownAfter(signal, graceMs) };
  // The addresses of tasks are compared with it, and they end without a slash.
  const url = setting.url.replace(/\/+$/, '');
  const ports = { ...setting, ...shared, url };
  const source =
    'messages' in setting ? messages({ ...setting, ...shared, url }) : claims({ ...setting, ...shared, url });
  const crew = crewOf((delivery) => workOn(ports, source, delivery));
  try {
    while (!signal.aborted) {
      const free = setting.concurrency - crew.size();
      if (free <= 0) await crew.change();
      else crew.begin(await source.take(free));
    }
  } finally {
    await crew.rest();
    ports.shutdown.dismiss();
  }
};

/** The work in hand, by attempt: one that is handed out twice is worked on once. */
const crewOf = (work: (delivery: Delivery) => Promise<readonly Delivery[]>) => {
  const working = new Map<string, Promise<void>>();
  const begin = (deliveries: readonly Delivery[]): void => {
    for (const delivery of deliveries) {
      const { attemptId } = delivery.task;
      if (!working.has(attemptId)) working.set(attemptId, workThrough(delivery));
    }
  };
  /** What an attempt brings in takes its place. */
  const workThrough = async (delivery: Delivery): Promise<void> => {
    const next = await work(delivery);
    working.delete(delivery.task.attemptId);
    begin(next);
  };
  return {
    begin,
    size: () => working.size,
    /** Until one of them has ended. */
    change: () => Promise.race(working.values()),
    /** Until all of them have, with what they brought in. */
    rest: async () => {
      while (working.size > 0) await Promise.all(working.values());
    },
  };
};
