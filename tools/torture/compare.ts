/** Holds what a killed job left against what an undisturbed one left; each difference is named. */
import type { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import type { Outcome } from '#tools/torture/outcome.ts';

/** What was compared and the differences; none when the kills changed nothing. */
export const differences = (
  undisturbed: Outcome,
  tortured: Outcome,
  acknowledged: readonly string[],
): readonly string[] => [
  ...listDifferences('market record', undisturbed.market, tortured.market),
  ...setDifferences(
    'acknowledged record of the witness',
    acknowledged,
    acknowledged.filter((text) => tortured.witnessed.has(text)),
  ),
  ...setDifferences('orchestrator event', undisturbed.events.map(eventLine), tortured.events.map(eventLine)),
  ...orderFaults(undisturbed.events).map((fault) => `undisturbed: ${fault}`),
  ...orderFaults(tortured.events),
  ...setDifferences('task outcome', undisturbed.tasks, tortured.tasks),
  ...setDifferences('row', undisturbed.rows, tortured.rows),
];

/** An event without its operational members: when it was published and at which attempt. */
const eventLine = (event: OrchestratorEvent): string =>
  JSON.stringify({ ...event, published_ts_ms: undefined, attempt: undefined });

/** Position by position: nothing lost, nothing repeated, nothing out of order. */
const listDifferences = (
  what: string,
  expected: readonly string[],
  found: readonly string[],
): readonly string[] => {
  if (expected.length !== found.length)
    return [
      `${expected.length} ${what}s expected, ${found.length} found; ${firstApart(what, expected, found)}`,
    ];
  const apart = expected.findIndex((text, index) => text !== found[index]);
  return apart < 0 ? [] : [firstApart(what, expected, found)];
};

const firstApart = (what: string, expected: readonly string[], found: readonly string[]): string => {
  const length = Math.max(expected.length, found.length);
  const apart =
    Array.from({ length }, (_, index) => index).find((index) => expected[index] !== found[index]) ?? 0;
  return `${what} ${apart + 1} differs: expected ${expected[apart] ?? 'none'}, found ${found[apart] ?? 'none'}`;
};

const setDifferences = (
  what: string,
  expected: readonly string[],
  found: readonly string[],
): readonly string[] => {
  const expectedSet = new Set(expected);
  const foundSet = new Set(found);
  return [
    ...[...expectedSet].filter((line) => !foundSet.has(line)).map((line) => `missing ${what}: ${line}`),
    ...[...foundSet].filter((line) => !expectedSet.has(line)).map((line) => `unexpected ${what}: ${line}`),
  ];
};

/**
 * Per symbol the first time each event is seen: engine time never goes back, and a run starts before it ends. What
 * was delivered again counts once.
 */
export const orderFaults = (events: readonly OrchestratorEvent[]): readonly string[] => {
  const faults: string[] = [];
  const seen = new Set<string>();
  const lastMs = new Map<string, number>();
  for (const event of events) {
    const { run_id, symbol, event_type, engine_timestamp_ms } = event;
    if (seen.has(`${run_id} ${event_type}`)) continue;
    seen.add(`${run_id} ${event_type}`);
    const named = `${event_type} of ${run_id} (${symbol})`;
    if (engine_timestamp_ms < (lastMs.get(symbol) ?? -Infinity))
      faults.push(`${named} came after a later run`);
    lastMs.set(symbol, engine_timestamp_ms);
    if (event_type !== 'EngineRunStarted' && !seen.has(`${run_id} EngineRunStarted`))
      faults.push(`${named} came before its start`);
  }
  return faults;
};
