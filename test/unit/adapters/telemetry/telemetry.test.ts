import { describe, expect, it } from 'vitest';
import { telemetry } from '#adapters/telemetry/telemetry.ts';
import { metricCatalogue } from '#contracts/metrics.ts';
import { START_MS } from '#test/support/ports.ts';

const recording = () => {
  const lines: string[] = [];
  const nowMs = () => START_MS;
  const own = telemetry({
    stage: 'dev',
    functionName: 'api-runs',
    nowMs,
    write: (line) => void lines.push(line),
  });
  return { own, lines, parsed: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
};

describe('logs', () => {
  it('say when and where, with the fields of the list', () => {
    const { own, parsed } = recording();

    own.log('warn', 'something', { runId: 'run_1', attempt: 2 });

    expect(parsed()).toEqual([
      {
        level: 'warn',
        message: 'something',
        time: '2026-01-05T09:30:00.000Z',
        stage: 'dev',
        function: 'api-runs',
        runId: 'run_1',
        attempt: 2,
      },
    ]);
  });

  it('name the fields they withhold and hide secrets in those they keep', () => {
    const { own, lines } = recording();

    own.log('error', 'failed', {
      taskToken: 'planted-1',
      body: { password: 'planted-2' },
      errorMessage: 'Authorization: Bearer planted-3-planted, password=planted-4',
      stack: 'Error: token: planted-5\n    at x',
      effects: ['secret=planted-6'],
    });

    expect(lines.join()).not.toContain('planted');
    expect(lines.join()).toContain('"withheld":["taskToken","body"]');
  });
});

describe('metrics', () => {
  it('are written at the end in one line, each under its own dimensions', () => {
    const { own, parsed, lines } = recording();

    own.count('EventsAppended', 2, { kind: 'run' });
    own.count('EventsAppended', 3, { kind: 'run' });
    own.count('CommandsDecided', 1, { kind: 'run' });
    own.count('Sweeps', 1, { kind: 'feed' });
    own.count('RequestMs', 7);
    expect(lines).toEqual([]);
    own.flush();
    own.flush();

    const metric = (Name: string, Unit = 'Count') => ({ Name, Unit });
    const directive = (Dimensions: readonly string[], Metrics: readonly object[]) => ({
      ...{ Namespace: 'Sluice', Dimensions: [Dimensions], Metrics },
    });
    expect(parsed()).toEqual([
      {
        _aws: {
          Timestamp: START_MS,
          CloudWatchMetrics: [
            directive(['stage', 'kind'], [metric('EventsAppended'), metric('CommandsDecided')]),
            directive(['stage'], [metric('Sweeps'), metric('RequestMs', 'Milliseconds')]),
          ],
        },
        ...{ stage: 'dev', kind: 'run', EventsAppended: 5, CommandsDecided: 1, Sweeps: 1, RequestMs: [7] },
      },
    ]);
  });

  it('take a further line for a further value of a dimension', () => {
    const { own, parsed } = recording();

    own.count('RequestMs', 7);
    own.count('EventsAppended', 2, { kind: 'run' });
    own.count('EventsAppended', 1, { kind: 'feed' });
    own.count('CommandsDecided', 4, { kind: 'feed' });
    own.flush();

    expect(parsed()).toMatchObject([
      { kind: 'run', RequestMs: [7], EventsAppended: 2 },
      { kind: 'feed', EventsAppended: 1, CommandsDecided: 4 },
    ]);
    expect(parsed()[0]).not.toHaveProperty('CommandsDecided');
  });

  it('are so few that a line has room for all', () => {
    expect(Object.keys(metricCatalogue).length).toBeLessThanOrEqual(100);
  });

  it('keep every duration, a hundred to a line', () => {
    const { own, parsed } = recording();

    for (let ms = 1; ms <= 250; ms++) own.count('RequestMs', ms);
    own.flush();

    const values = parsed().map(({ RequestMs }) => RequestMs as number[]);
    expect(values.map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(values.flat()).toEqual(Array.from({ length: 250 }, (_, index) => index + 1));
  });
});
