/** Runs gates in their order, to the end even when one is red. */
import { spawnSync } from 'node:child_process';
import { gates } from '#tools/check/gates.ts';
import type { Gate } from '#tools/check/gates.ts';
import { gateTable } from '#tools/check/gate-table.ts';

/** How a gate's command ended. */
export interface GateEnding {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What running the gates came to: the exit code, and the text for standard output. */
export interface GatesReport {
  readonly exitCode: 0 | 1 | 2;
  readonly text: string;
}

/** The script of a gate. */
const runScript = ({ name }: Gate): GateEnding =>
  spawnSync('npm', ['run', '--silent', `check:${name}`], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });

/** Runs the named gates, all of them when none is named; `say` hears of each as it ends. */
export const runGates = (
  wanted: readonly string[],
  say: (text: string) => void,
  run: (gate: Gate) => GateEnding = runScript,
): GatesReport => {
  const unknown = wanted.filter((name) => !gates.some((gate) => gate.name === name));
  if (unknown.length > 0) {
    say(`no gate is called ${unknown.join(', ')}; known are ${gates.map(({ name }) => name).join(', ')}\n`);
    return { exitCode: 2, text: '' };
  }
  const results = gates
    .filter(({ name }) => wanted.length === 0 || wanted.includes(name))
    .map((gate) => {
      const startedMs = performance.now();
      const { status, stdout, stderr } = run(gate);
      const isGreen = status === 0;
      say(`${gate.name} ${isGreen ? 'ok' : 'FAILED'}\n`);
      if (!isGreen) say(`${stdout}${stderr}\n`);
      return { gate, isGreen, seconds: (performance.now() - startedMs) / 1000 };
    });
  return { exitCode: results.every(({ isGreen }) => isGreen) ? 0 : 1, text: `${gateTable(results)}\n` };
};
