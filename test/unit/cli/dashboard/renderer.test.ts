import process from 'node:process';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { followDashboard } from '#cli/dashboard/follow.ts';
import { dashboardFrame } from '#cli/dashboard/frame.ts';
import { dashboardRenderer } from '#cli/dashboard/renderer.ts';
import { listening } from '#test/support/cli.ts';
import { queueOf } from '#test/support/venue.ts';

const model = {
  as_of_ts_ms: 60_000,
  system: {
    status: 'DEGRADED',
    components: [{ component_id: 'orchestrator', status: 'OK', details: ['a', 'b'] }],
  },
  symbols: [
    {
      symbol: 'AAA',
      gate: { status: 'OPEN' },
      regime_effective: { regime_name: 'CHOP_BALANCED', confidence: 0.5 },
      analysis: { status: 'PARTIAL' },
    },
    { symbol: 'BBB', gate: { status: 'UNKNOWN' }, regime_effective: null, analysis: { status: 'EMPTY' } },
  ],
  telemetry: { staleness: { stale_reasons: ['stale_over_window'] } },
};

it('shows a model as one frame', () =>
  expect(dashboardFrame('spot', model)).toBe(
    [
      'spot DEGRADED at 1970-01-01T00:01:00.000Z',
      'stale: stale_over_window',
      'COMPONENT     STATUS  DETAILS',
      'orchestrator  OK      a, b',
      'SYMBOL  GATE     REGIME         CONFIDENCE  ANALYSIS',
      'AAA     OPEN     CHOP_BALANCED  0.50        PARTIAL',
      'BBB     UNKNOWN                             EMPTY'.trimEnd(),
    ].join('\n'),
  ));

/** A renderer whose writes are let through one by one. */
const drawing = () => {
  const writes = queueOf<{ readonly frame: string; readonly end: (error?: Error) => void }>();
  const told: string[] = [];
  const renderer = dashboardRenderer({
    frameOf: (given) => {
      if (given === 'bad') throw new Error('no model');
      return `frame of ${String(given)}`;
    },
    write: (frame) =>
      new Promise((resolve, reject) => {
        writes.put({ frame, end: (error) => (error ? reject(error) : resolve()) });
      }),
    telemetry: {
      count: (metric) => told.push(metric),
      log: (level, message, fields) => told.push(`${level} ${message} ${JSON.stringify(fields)}`),
    },
    onClosed: () => told.push('closed'),
  });
  return { renderer, told, next: writes.next };
};

describe('a renderer', () => {
  it('draws what it is shown and counts it, and nobody waits for it', async () => {
    const { renderer, told, next } = drawing();
    renderer.show(1);
    const first = await next();
    // These come while the first is drawn: the newest is what counts.
    renderer.show(2);
    renderer.show(3);
    expect([first.frame, told]).toEqual(['frame of 1', []]);
    first.end();
    const second = await next();
    expect(second.frame).toBe('frame of 3');
    second.end();
    await renderer.idle();
    expect(told).toEqual(['dashboards.renderer.frames', 'dashboards.renderer.frames']);
    await renderer.idle();
  });

  it('tells what it cannot draw, and draws the next', async () => {
    const { renderer, told, next } = drawing();
    renderer.show('bad');
    await renderer.idle();
    expect(told).toEqual([
      'dashboards.failures',
      'warn dashboards.renderer_failure {"error_kind":"render_error","error_detail":"no model"}',
    ]);
    renderer.show(1);
    (await next()).end();
    await renderer.idle();
    expect(told.at(-1)).toBe('dashboards.renderer.frames');
  });

  it('ends when nobody takes its frames, and says so once', async () => {
    const { renderer, told, next } = drawing();
    renderer.show(1);
    (await next()).end(new Error('EPIPE'));
    await renderer.idle();
    renderer.show(2);
    await renderer.idle();
    expect(told).toEqual([
      'dashboards.failures',
      'warn dashboards.renderer_failure {"error_kind":"write_error","error_detail":"EPIPE"}',
      'closed',
    ]);
  });
});

describe('a dashboard that is followed', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const follow = async (given: { readonly isScreen?: boolean; readonly until?: number } = {}) => {
    const stop = new AbortController();
    let count = 0;
    return listening(() =>
      followDashboard({
        read: () => {
          if (++count === (given.until ?? 2)) stop.abort();
          return Promise.resolve({ count });
        },
        frameOf: (frame) => JSON.stringify(frame),
        everyMs: 1,
        isScreen: given.isScreen ?? true,
        signal: stop.signal,
      }),
    );
  };

  it('is drawn until it is stopped, with the count of frames last', async () => {
    const { stdout, stderr } = await follow();

    expect(stdout).toBe('{"count":1}\n{"count":2}\n');
    expect(JSON.parse(stderr)).toMatchObject({ 'dashboards.renderer.frames': 2 });
  });

  it('takes the place of what was drawn before on a terminal, unless documents are asked for', async () => {
    const isTTY = Object.getOwnPropertyDescriptor(process.stdout, 'isTTY');
    Object.defineProperty(process.stdout, 'isTTY', { value: true, configurable: true });
    try {
      expect((await follow({ until: 1 })).stdout).toBe('\u001B[H\u001B[J{"count":1}\n');
      expect((await follow({ until: 1, isScreen: false })).stdout).toBe('{"count":1}\n');
    } finally {
      if (isTTY) Object.defineProperty(process.stdout, 'isTTY', isTTY);
      else Reflect.deleteProperty(process.stdout, 'isTTY');
    }
  });

  it('ends well when nobody reads it any more', async () => {
    const { stderr } = await listening(async () => {
      vi.spyOn(process.stdout, 'write').mockImplementation((_text, ...rest: readonly unknown[]) => {
        const done = rest.at(-1) as (error: Error) => void;
        queueMicrotask(() => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })));
        return false;
      });
      await followDashboard({
        read: () => Promise.resolve({}),
        frameOf: JSON.stringify,
        everyMs: 60_000,
        isScreen: false,
        signal: new AbortController().signal,
      });
    });

    expect(stderr).toContain('dashboards.renderer_failure');
    expect(stderr).toContain('"dashboards.failures":1');
  });
});

it('draws what it is shown, whenever that comes', async () => {
  for (let turns = 0; turns < 12; turns++) {
    const frames: string[] = [];
    const renderer = dashboardRenderer({
      frameOf: String,
      write: (frame) => {
        frames.push(frame);
        return Promise.resolve();
      },
      telemetry: { log: () => undefined, count: () => undefined },
      onClosed: () => expect.unreachable(),
    });
    renderer.show(1);
    for (let turn = 0; turn < turns; turn++) await Promise.resolve();
    renderer.show(2);
    await renderer.idle();
    expect([turns, frames]).toEqual([turns, ['1', '2']]);
  }
});
