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
  it('are written at the end, those of the same dimensions in one line', () => {
    const { own, parsed, lines } = recording();

    own.count('EventsAppended', 2, { kind: 'run' });
    own.count('EventsAppended', 3, { kind: 'run' });
    own.count('EventsAppended', 1, { kind: 'feed' });
    own.count('CommandsDecided', 1, { kind: 'run' });
    own.count('Sweeps', 1, { kind: 'feed' });
    own.count('RequestMs', 7);
    expect(lines).toEqual([]);
    own.flush();
    own.flush();

    expect(parsed()).toMatchObject([
      { stage: 'dev', kind: 'run', EventsAppended: 5, CommandsDecided: 1 },
      { stage: 'dev', kind: 'feed', EventsAppended: 1 },
      { stage: 'dev', Sweeps: 1, RequestMs: [7] },
    ]);
    expect(parsed()[2]).not.toHaveProperty('kind');
    expect(parsed()[0]).toMatchObject({
      _aws: {
        Timestamp: START_MS,
        CloudWatchMetrics: [
          {
            Namespace: 'Sluice',
            Dimensions: [['stage', 'kind']],
            Metrics: [
              { Name: 'EventsAppended', Unit: 'Count' },
              { Name: 'CommandsDecided', Unit: 'Count' },
            ],
          },
        ],
      },
    });
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
