/** The one table `npm run check` ends with. */
import type { Gate } from '#tools/check/gates.ts';

/** How a gate ended. */
export interface GateResult {
  readonly gate: Gate;
  readonly isGreen: boolean;
  readonly seconds: number;
}

/** Gate, result, seconds and what it proves, one line each, and a last line that sums up. */
export const gateTable = (results: readonly GateResult[]): string => {
  const width = Math.max(4, ...results.map(({ gate }) => gate.name.length));
  const line = (name: string, result: string, seconds: string, proves: string): string =>
    `${name.padEnd(width)}  ${result.padEnd(6)}  ${seconds.padStart(7)}  ${proves}`.trimEnd();
  const red = results.filter(({ isGreen }) => !isGreen);
  const total = results.reduce((sum, { seconds }) => sum + seconds, 0);
  return [
    line('gate', 'result', 'seconds', 'proves'),
    ...results.map(({ gate, isGreen, seconds }) =>
      line(gate.name, isGreen ? 'ok' : 'FAILED', seconds.toFixed(1), gate.proves),
    ),
    `${results.length - red.length} of ${results.length} gates are green in ${total.toFixed(1)} s`,
  ].join('\n');
};
