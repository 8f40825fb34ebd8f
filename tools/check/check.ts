/**
 * `npm run check`: runs every gate in order, to the end even when one is red, and prints one table. `npm run check
 * -- NAME…` runs the named ones only.
 */
import { spawnSync } from 'node:child_process';
import { gates } from '#tools/check/gates.ts';
import type { Gate } from '#tools/check/gates.ts';
import { gateTable } from '#tools/check/gate-table.ts';
import type { GateResult } from '#tools/check/gate-table.ts';

const runGate = (gate: Gate): GateResult => {
  const startedMs = performance.now();
  const { status, stdout, stderr } = spawnSync('npm', ['run', '--silent', `check:${gate.name}`], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const isGreen = status === 0;
  process.stderr.write(`${gate.name} ${isGreen ? 'ok' : 'FAILED'}\n`);
  if (!isGreen) process.stderr.write(`${stdout}${stderr}\n`);
  return { gate, isGreen, seconds: (performance.now() - startedMs) / 1000 };
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !gates.some((gate) => gate.name === name));
if (unknown.length > 0) {
  process.stderr.write(
    `no gate is called ${unknown.join(', ')}; known are ${gates.map(({ name }) => name).join(', ')}\n`,
  );
  process.exitCode = 2;
} else {
  const results = gates.filter(({ name }) => wanted.length === 0 || wanted.includes(name)).map(runGate);
  process.stdout.write(`${gateTable(results)}\n`);
  process.exitCode = results.every(({ isGreen }) => isGreen) ? 0 : 1;
}
