/**
 * Recursive loop detection: each message carries, in its trace header, how often each function has already run in
 * the chain that caused it; a function that would run a 17th time is stopped, as on AWS.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

/** Function name to how often it has run in this chain. */
export type Lineage = ReadonlyMap<string, number>;

/** Hops of one function a chain may have. */
export const HOPS_MAX = 16;

const storage = new AsyncLocalStorage<Lineage>();

/** The chain the current call belongs to; empty outside an invocation. */
export const currentLineage = (): Lineage => storage.getStore() ?? new Map();

/** Runs an act as part of the chain. */
export const withLineage = <Value>(lineage: Lineage, act: () => Value): Value => storage.run(lineage, act);

/** Chains of several messages in one batch count with the longest of each function. */
export const mergeLineages = (lineages: readonly Lineage[]): Lineage => {
  const merged = new Map<string, number>();
  for (const lineage of lineages)
    for (const [functionName, hops] of lineage)
      merged.set(functionName, Math.max(hops, merged.get(functionName) ?? 0));
  return merged;
};

/** The chain one hop further. */
export const addHop = (lineage: Lineage, functionName: string): Lineage =>
  new Map([...lineage, [functionName, (lineage.get(functionName) ?? 0) + 1]]);

/** The chain as a trace header, `Root=…;Lineage=function:hops|function:hops`. */
export const traceHeader = (lineage: Lineage): string =>
  `Root=1-00000000-000000000000000000000000;Lineage=${[...lineage]
    .map(([functionName, hops]) => `${functionName}:${hops}`)
    .join('|')}`;

/** Reads a trace header; one without lineage is the start of a chain. */
export const readTraceHeader = (header: string | undefined): Lineage => {
  const text = header
    ?.split(';')
    .find((part) => part.startsWith('Lineage='))
    ?.slice('Lineage='.length);
  if (text === undefined || text === '') return new Map();
  return new Map(
    text.split('|').map((hop) => {
      const [functionName = '', hops = '0'] = hop.split(':');
      return [functionName, Number(hops)];
    }),
  );
};
