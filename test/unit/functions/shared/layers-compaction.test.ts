/** The row of a symbol's layers, and what is told of them, is the same however its commits are delivered. */
import { expect, it } from 'vitest';
import { FeedLayersRow } from '#contracts/market/feed-layers.ts';
import { feedSymbolAggregate } from '#domain/market/feed-symbol/feed-symbol.ts';
import { layersOf } from '#domain/market/layers/config.ts';
import { createHandler as compactHandler } from '#functions/compact/handler.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { adaptersOf, commandPorts, ledgerEvent, requestOf } from '#test/support/ledger.ts';
import { demoConfig } from '#test/support/market-harness.ts';
import { failed, runAt } from '#test/support/market-layers.ts';
import { localStage } from '#test/support/ports.ts';

const layers = layersOf(demoConfig({ analysis_engine: { enabled_modules: ['signal.regime'] } }), 'AAA');
const runs = [runAt(1), runAt(2, { regime: 'SQUEEZE_DOWN' }), runAt(3, {}, { outcome: failed }), runAt(4)];

it.each([
  ['in order', [0, 1, 2, 3]],
  ['each twice', [0, 0, 1, 1, 2, 2, 3, 3]],
  ['late', [1, 3, 0, 2]],
  ['the last alone', [3]],
])('delivered %s', async (_case, order) => {
  const stage = await localStage();
  const box = mailbox(commandPorts(stage));
  for (const run of runs)
    await box.send(
      feedSymbolAggregate,
      requestOf('feed-symbol#acme/prod/demo/AAA', { type: 'RecordRuns' as const, runs: [run], layers }),
    );
  const { Records } = ledgerEvent(stage);
  const compact = compactHandler(stage.environment, stage.plugin);

  for (const index of order) await compact({ Records: Records.slice(index, index + 1) });

  const row = await adaptersOf(stage).views.get({ pk: 'feed-layers#acme/prod/demo', sk: 'AAA' });
  const { gate, analysis, regimes } = FeedLayersRow.parse(row?.data);
  expect(gate.history.map(({ number, state_status: status }) => [number, status])).toEqual([
    [1, 'READY'],
    [2, 'READY'],
    [3, 'DEGRADED'],
    [4, 'READY'],
  ]);
  expect(analysis.history.map(({ number, status }) => [number, status])).toEqual([
    [1, 'SUCCESS'],
    [2, 'SUCCESS'],
    [3, 'SKIPPED'],
    [4, 'SUCCESS'],
  ]);
  expect(regimes.map(({ number }) => number)).toEqual([1, 2, 3]);
  const lines = stage.lines();
  const counted = (metric: string): number => lines.reduce((sum, line) => sum + Number(line[metric] ?? 0), 0);
  expect({
    decisions: counted('state_gate.gate_decisions'),
    transitions: counted('state_gate.transitions'),
    artifacts: counted('analysis_engine.artifacts'),
    ended: counted('analysis_engine.run_status'),
    skipped: counted('analysis_engine.idempotency_skips'),
    told: lines.filter(({ message }) => message === 'state_gate.GateEvaluated').length,
  }).toEqual({ decisions: 4, transitions: 3, artifacts: 3, ended: 3, skipped: 1, told: 4 });
});
