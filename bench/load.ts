/** Callers that each do one thing after another, all of them at once, and what that took. */
import process from 'node:process';
import { percentile } from '#bench/percentile.ts';

export interface Load {
  readonly callers: number;
  /** How often each caller does it. */
  readonly repeats: number;
}

export interface LoadResult {
  /** Milliseconds of each repeat. */
  readonly latenciesMs: readonly number[];
  readonly seconds: number;
  /** Milliseconds of CPU of all threads, what ran on after the last caller included. */
  readonly cpuMs: number;
}

/** Runs the load; `drain` waits for work that goes on after the callers have been answered. */
export const runLoad = async (
  { callers, repeats }: Load,
  act: (caller: number, repeat: number) => Promise<void>,
  drain: () => Promise<void> = () => Promise.resolve(),
): Promise<LoadResult> => {
  const latenciesMs: number[] = [];
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async (_, caller) => {
      for (let repeat = 0; repeat < repeats; repeat++) {
        const beganMs = performance.now();
        await act(caller, repeat);
        latenciesMs.push(performance.now() - beganMs);
      }
    }),
  );
  const seconds = (performance.now() - startedMs) / 1000;
  await drain();
  const { user, system } = process.cpuUsage(cpu);
  return { latenciesMs, seconds, cpuMs: (user + system) / 1000 };
};

/** Median and 99th percentile of the latencies. */
export const spread = ({ latenciesMs }: LoadResult): { readonly p50: number; readonly p99: number } => ({
  p50: percentile(latenciesMs, 50),
  p99: percentile(latenciesMs, 99),
});
