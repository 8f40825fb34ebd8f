import { describe, expect, it } from 'vitest';

import { adapterStatus, isReading } from '#domain/market/transport/adapter-status.ts';
import { createdAdapter, stepAdapter } from '#domain/market/transport/adapter.ts';
import type { Adapter, AdapterCommand, AdapterEvent } from '#domain/market/transport/adapter.ts';
import { adapterSetting } from '#domain/market/transport/setting.ts';
import type { AdapterSetting } from '#domain/market/transport/setting.ts';

const standard = adapterSetting(null);
const blocking = (blockMaxMs?: number): AdapterSetting => ({
  ...standard,
  backpressure: { policy: 'block', pendingMax: 10, ...(blockMaxMs === undefined ? {} : { blockMaxMs }) },
});

/** An adapter and what it asked for last; each step is at an instant. */
const story = (
  setting: AdapterSetting,
  adapter: Adapter = createdAdapter,
  commands: readonly AdapterCommand[] = [],
) => ({
  adapter,
  status: adapterStatus(adapter),
  when: (nowMs: number, event: AdapterEvent) => {
    const next = stepAdapter(setting, adapter, { event, nowMs });
    return story(setting, next.adapter, next.commands);
  },
  thenAsks: (...expected: readonly AdapterCommand[]) => expect(commands).toEqual(expected),
  thenDoesNothing: () => {
    expect(commands).toEqual([]);
  },
  commands,
});

const heard = (type: 'opened' | 'subscribed' | 'read' | 'full', connection = 1): AdapterEvent => ({
  type,
  connection,
});
const lost = (connection = 1, errorDetail = 'gone'): AdapterEvent => ({
  type: 'lost',
  connection,
  errorDetail,
});
const elapsed: AdapterEvent = { type: 'elapsed' };
const wake = (atMs: number): AdapterCommand => ({ kind: 'wake', atMs });
const close = (connection = 1): AdapterCommand => ({ kind: 'close', connection });
const failed = (errorDetail: string): AdapterCommand => ({
  kind: 'tell',
  report: { state: 'failed', errorDetail },
});
const blockedFor = (value: number): AdapterCommand => ({
  kind: 'count',
  metric: 'market_data.backpressure.blocked_ms',
  value,
});
const again = (reconnectCount: number, errorDetail: string, atMs: number, connection = 1) =>
  [
    close(connection),
    { kind: 'tell', report: { state: 'reconnecting', reconnectCount, errorDetail } },
    { kind: 'count', metric: 'market_data.transport.reconnects', value: 1 },
    wake(atMs),
  ] as const;

const connecting = (setting = standard) => story(setting).when(0, { type: 'start' });
/** Runs since 100. */
const running = (setting = standard) =>
  connecting(setting).when(50, heard('opened')).when(100, heard('subscribed'));

describe('an adapter that starts', () => {
  it('connects, and gives the venue until the connect timeout to confirm', () => {
    connecting().thenAsks(
      { kind: 'tell', report: { state: 'created' } },
      { kind: 'connect', connection: 1 },
      wake(10_000),
    );
    expect(connecting().status).toBe('created');
  });

  it('subscribes when the connection is open, and runs when the venue has confirmed', () => {
    connecting().when(50, heard('opened')).thenAsks({ kind: 'subscribe', connection: 1 });
    running().thenAsks({ kind: 'tell', report: { state: 'running' } }, wake(30_100));
    expect(running().status).toBe('running');
  });

  it('waits for as long as the venue asks, where that is longer than its own delay', () => {
    const asked = (retryAfterMs: number, nowMs: number): AdapterEvent => ({
      ...{ type: 'lost', connection: 1, errorDetail: `asked at ${nowMs}`, retryAfterMs },
    });
    const shorter = connecting().when(5, asked(249, 5));
    shorter.thenAsks(...again(1, 'asked at 5', 255));
    const longer = connecting().when(5, asked(120_000, 5));
    longer.thenAsks(...again(1, 'asked at 5', 120_005));
    longer.when(120_004, elapsed).thenAsks(wake(120_005));
    longer.when(120_005, elapsed).thenAsks({ kind: 'connect', connection: 2 }, wake(130_005));
  });

  it('starts once', () => connecting().when(1, { type: 'start' }).thenDoesNothing());

  it('gives up a try at the connect timeout, and not a moment before', () => {
    connecting().when(9_999, elapsed).thenAsks(wake(10_000));
    connecting()
      .when(10_000, elapsed)
      .thenAsks(...again(1, 'not subscribed within 10000 ms', 10_250));
  });

  it('tries five times, after the delays of the reference, and has failed then', () => {
    let at = connecting();
    let nowMs = 0;
    for (const [index, delayMs] of [250, 500, 1_000, 2_000].entries()) {
      at = at.when(nowMs, lost(index + 1, 'refused'));
      at.thenAsks(...again(index + 1, 'refused', nowMs + delayMs, index + 1));
      at.when(nowMs + delayMs - 1, elapsed).thenAsks(wake(nowMs + delayMs));
      nowMs += delayMs;
      at = at.when(nowMs, elapsed);
      at.thenAsks({ kind: 'connect', connection: index + 2 }, wake(nowMs + 10_000));
    }
    expect(at.status).toBe('created');
    const end = at.when(nowMs, lost(5, 'refused'));
    end.thenAsks(close(5), failed('refused'));
    expect(end.status).toBe('failed');
  });
});

describe('an adapter that runs', () => {
  it('is lost when nothing was read for the read timeout, counted from what was read last', () => {
    running().when(30_099, elapsed).thenAsks(wake(30_100));
    running()
      .when(30_100, elapsed)
      .thenAsks(...again(1, 'nothing was read for 30000 ms', 30_350));
    running().when(20_000, heard('read')).when(30_100, elapsed).thenAsks(wake(50_000));
  });

  it('tells the gap and the count when it runs again, and is said to run meanwhile', () => {
    const back = running().when(2_000, heard('read')).when(2_500, lost());
    expect(back.status).toBe('running');
    const connected = back.when(2_750, elapsed);
    expect(connected.status).toBe('running');
    connected
      .when(2_800, heard('opened', 2))
      .when(3_000, heard('subscribed', 2))
      .thenAsks(
        { kind: 'tell', report: { state: 'running', reconnectCount: 1, gapMs: 1_000 } },
        wake(33_000),
      );
  });

  it('begins its tries anew after it held for the longest delay, and goes on with them before that', () => {
    const flapping = (heldMs: number) => {
      const second = running().when(101, lost()).when(351, elapsed).when(400, heard('subscribed', 2));
      return second.when(400 + heldMs, lost(2));
    };
    flapping(4_999).thenAsks(...again(2, 'gone', 400 + 4_999 + 500, 2));
    flapping(5_000).thenAsks(...again(2, 'gone', 400 + 5_000 + 250, 2));
  });

  it('does not come back where only one try is allowed', () => {
    const once = { ...standard, retry: { minDelayMs: 1, maxDelayMs: 1, attemptsMax: 1 } };
    running(once).when(60_000, lost()).thenAsks(close(), failed('gone'));
  });

  it('hears nothing from a connection it has given up', () => {
    const second = running().when(101, lost()).when(351, elapsed);
    for (const type of ['opened', 'subscribed', 'read', 'full'] as const)
      second.when(352, heard(type, 1)).thenDoesNothing();
    second.when(352, lost(1)).thenDoesNothing();
  });

  it('confirms and opens once', () => {
    running().when(101, heard('opened')).thenDoesNothing();
    running().when(101, heard('subscribed')).thenDoesNothing();
  });

  it('is not lost twice', () => running().when(101, lost()).when(102, lost()).thenDoesNothing());
});

describe('an adapter whose sink is full', () => {
  it('stops by the policy fail', () =>
    running()
      .when(200, heard('full'))
      .thenAsks(
        { kind: 'count', metric: 'market_data.backpressure.count', value: 1 },
        close(),
        failed('backpressure: the sink is full'),
      ));

  it('reads no more by the policy block, until there is room', () => {
    const blocked = running(blocking(1_000)).when(200, heard('full'));
    blocked.thenAsks(
      { kind: 'count', metric: 'market_data.backpressure.count', value: 1 },
      { kind: 'pause', connection: 1 },
      wake(1_200),
    );
    expect(blocked.status).toBe('running');
    blocked
      .when(900, { type: 'free' })
      .thenAsks(blockedFor(700), { kind: 'resume', connection: 1 }, wake(30_900));
  });

  it('stops when that takes as long as it may, and not a moment before', () => {
    const blocked = running(blocking(1_000)).when(200, heard('full'));
    blocked.when(1_199, elapsed).thenAsks(wake(1_200));
    blocked
      .when(1_200, elapsed)
      .thenAsks(blockedFor(1_000), close(), failed('backpressure: the sink was full for 1000 ms'));
  });

  it('waits for as long as it takes where nothing bounds it', () => {
    const blocked = running(blocking()).when(200, heard('full'));
    expect(blocked.commands).not.toContainEqual(expect.objectContaining({ kind: 'wake' }));
    blocked.when(1_000_000, elapsed).thenDoesNothing();
  });

  it('comes back when its connection is lost meanwhile, with the gap since it read no more', () => {
    const back = running(blocking())
      .when(200, heard('full'))
      .when(700, lost())
      .when(950, elapsed)
      .when(1_000, heard('subscribed', 2));
    expect(back.commands[0]).toEqual({
      kind: 'tell',
      report: { state: 'running', reconnectCount: 1, gapMs: 800 },
    });
  });

  it('tells how long that was also when it ends otherwise', () => {
    const blocked = running(blocking()).when(200, heard('full'));
    expect(blocked.when(700, lost()).commands).toContainEqual(blockedFor(500));
    expect(blocked.when(900, { type: 'stop' }).commands).toContainEqual(blockedFor(700));
  });

  it('holds back a venue that sends before it has confirmed, and gives it time anew', () => {
    const blocked = connecting(blocking(1_000)).when(40, heard('full'));
    blocked.thenAsks(
      { kind: 'count', metric: 'market_data.backpressure.count', value: 1 },
      { kind: 'pause', connection: 1 },
      wake(1_040),
    );
    expect([blocked.status, isReading(blocked.adapter.phase)]).toEqual(['created', false]);
    const freed = blocked.when(540, { type: 'free' });
    freed.thenAsks(blockedFor(500), { kind: 'resume', connection: 1 }, wake(10_540));
    freed
      .when(600, heard('subscribed'))
      .thenAsks({ kind: 'tell', report: { state: 'running' } }, wake(30_600));
    freed.when(10_540, elapsed).thenAsks(...again(1, 'not subscribed within 10000 ms', 10_790));
    blocked.when(700, lost()).thenAsks(blockedFor(660), ...again(1, 'gone', 950));
    connecting(standard)
      .when(40, heard('full'))
      .thenAsks(
        { kind: 'count', metric: 'market_data.backpressure.count', value: 1 },
        close(),
        failed('backpressure: the sink is full'),
      );
  });

  it('hears a confirmation that was on its way, and reads on when there is room', () => {
    const confirmed = connecting(blocking(1_000)).when(40, heard('full')).when(50, heard('subscribed'));
    confirmed.thenAsks({ kind: 'tell', report: { state: 'running' } });
    expect([confirmed.status, isReading(confirmed.adapter.phase)]).toEqual(['running', true]);
    confirmed.when(60, heard('subscribed')).thenDoesNothing();
    confirmed
      .when(90, { type: 'free' })
      .thenAsks(blockedFor(50), { kind: 'resume', connection: 1 }, wake(30_090));
    confirmed
      .when(1_040, elapsed)
      .thenAsks(blockedFor(1_000), close(), failed('backpressure: the sink was full for 1000 ms'));
  });

  it('takes what was on its way, and is full once', () => {
    const blocked = running(blocking()).when(200, heard('full'));
    blocked.when(201, heard('read')).thenDoesNothing();
    blocked.when(201, heard('full')).thenDoesNothing();
    running(blocking()).when(300, { type: 'free' }).thenDoesNothing();
  });
});

describe('an adapter that ends', () => {
  it('stops when it is told, wherever it is', () => {
    const stopped = { kind: 'tell', report: { state: 'stopped' } } as const;
    story(standard).when(0, { type: 'stop' }).thenAsks(close(0), stopped);
    connecting().when(1, { type: 'stop' }).thenAsks(close(), stopped);
    running().when(101, { type: 'stop' }).thenAsks(close(), stopped);
    expect(running().when(101, { type: 'stop' }).status).toBe('stopped');
  });

  it('has failed when the sink has', () =>
    running().when(101, { type: 'broken', errorDetail: 'no stream' }).thenAsks(close(), failed('no stream')));

  it('does nothing more', () => {
    const events: readonly AdapterEvent[] = [
      { type: 'start' },
      { type: 'stop' },
      { type: 'free' },
      elapsed,
      heard('read'),
      lost(),
    ];
    for (const event of events) running().when(101, { type: 'stop' }).when(102, event).thenDoesNothing();
    story(standard).when(5, elapsed).thenDoesNothing();
  });
});
