import { beforeEach, describe, expect, it } from 'vitest';
import { CHECK_AFTER_MS } from '#domain/kernel/commit.ts';
import { dueBuckets } from '#domain/kernel/due.ts';
import { runRowKey } from '#domain/run/run-projection.ts';
import type { Json } from '#local/kernel/engine.ts';
import { adaptersOf, ledgerEvent } from '#test/support/ledger.ts';
import { assetPlane, queueEvent } from '#test/support/ports-assets.ts';
import type { AssetPlane } from '#test/support/ports-assets.ts';

const MINUTE_MS = 60_000;

describe('sweeping a run', () => {
  let plane: AssetPlane;
  let runId: string;
  let stream: string;
  beforeEach(async () => {
    plane = await assetPlane();
    await plane.deploy({ a: [], b: [] });
    runId = String((await plane.trigger(['m.a', 'm.b'])).body['runId']);
    stream = `run#acme/prod/${runId}`;
  });

  const sweep = (receiveCount = 1) =>
    plane.handlers.sweep(
      queueEvent('sweep', [
        { Body: JSON.stringify({ stream }), Attributes: { ApproximateReceiveCount: String(receiveCount) } },
      ]),
    );
  const tasks = async (): Promise<readonly string[]> => {
    const { tasks: all } = (await plane.getRun(runId)) as { tasks: readonly Json[] };
    return all.map(({ taskKey, state, attempt }) => `${String(taskKey)} ${String(state)} ${String(attempt)}`);
  };
  const loseControl = async (): Promise<void> => {
    const { Items } = (await plane.stage.dispatcher.call('dynamodb', 'Scan', { TableName: 'control' })) as {
      Items: readonly Json[];
    };
    for (const { pk, sk } of Items)
      await plane.stage.dispatcher.call('dynamodb', 'DeleteItem', { TableName: 'control', Key: { pk, sk } });
  };
  const rearmed = async (withinMs = 10 * MINUTE_MS): Promise<readonly string[]> => {
    const { rearms } = adaptersOf(plane.stage);
    const nowMs = plane.stage.clock.nowMs();
    const found: string[] = [];
    for (const bucket of dueBuckets(nowMs, nowMs + withinMs)) found.push(...(await rearms.streams(bucket)));
    return found;
  };

  const compact = () => plane.handlers.compact(ledgerEvent(plane.stage));
  /** The bodies of the messages that ask for rows. */
  const asked = async (): Promise<readonly unknown[]> =>
    (await plane.stage.drain('compactions')).map(({ Body }) => JSON.parse(String(Body)) as unknown);

  it('writes nothing while its deadline lies ahead, and looks again then', async () => {
    plane.stage.requests();
    await sweep();

    expect(plane.stage.requests()['dynamodb.PutItem']).toBe(1);
    expect(await rearmed()).toEqual([stream]);
  });

  it('makes offers that were lost again and leaves those that stand', async () => {
    await plane.claim(1);
    await loseControl();
    expect(await plane.claim(10)).toEqual([]);

    plane.pass(2 * MINUTE_MS);
    await sweep();

    expect((await plane.claim(10)).map(({ taskKey }) => taskKey)).toEqual(['m.b']);
    expect(await rearmed()).toEqual([stream]);
  });

  it('ends the attempt of a worker that fell silent', async () => {
    await plane.claim(1);
    plane.pass(6 * MINUTE_MS);
    await sweep();

    expect(await tasks()).toContain('m.a PENDING 1');
  });

  it('does the same a second time when delivered twice', async () => {
    await plane.claim(1);
    plane.pass(6 * MINUTE_MS);
    await sweep();
    const before = await tasks();
    plane.stage.requests();
    await sweep();

    expect(await tasks()).toEqual(before);
  });

  it('goes on over the loss of the control table in the middle of a run, with the same outcome', async () => {
    await loseControl();
    for (let minute = 0; minute < 10; minute++) {
      plane.pass(MINUTE_MS);
      await plane.sweepNow();
      if (minute % 3 === 0) await loseControl();
      for (const task of await plane.claim(10)) await plane.succeed(task);
    }

    expect(await plane.getRun(runId)).toMatchObject({ state: 'SUCCEEDED' });
    expect(await tasks()).toEqual(['m.a SUCCEEDED 1', 'm.b SUCCEEDED 1']);
  });

  describe('that waits longer than a quarter of an hour', () => {
    const HOUR_MS = 60 * MINUTE_MS;
    beforeEach(async () => {
      await plane.deploy({ c: [] }, { execution: { heartbeatTimeoutSec: HOUR_MS / 1_000 } });
      runId = String((await plane.trigger(['m.c'])).body['runId']);
      stream = `run#acme/prod/${runId}`;
      await plane.claim(10);
    });

    it('is left alone until its deadline once its read models show what it said', async () => {
      await compact();
      plane.pass(CHECK_AFTER_MS);
      await sweep();

      expect(await asked()).toEqual([]);
      expect(await rearmed(CHECK_AFTER_MS)).toEqual([]);
      expect(await rearmed(HOUR_MS)).toEqual([stream]);
    });

    it.each([
      [CHECK_AFTER_MS - 1, 0],
      [CHECK_AFTER_MS, 1],
    ])('is asked for %i ms after its last word %i times when its rows are behind', async (quietMs, times) => {
      plane.pass(quietMs);
      await sweep();

      expect((await asked()).filter((body) => (body as Json)['stream'] === stream)).toHaveLength(times);
      expect(await rearmed(CHECK_AFTER_MS + MINUTE_MS)).toContain(stream);
    });

    it('is found by the sweeper although it waits for something else', async () => {
      for (let minute = 0; minute < 20; minute++) {
        plane.pass(MINUTE_MS);
        await plane.sweepNow();
      }

      expect(await asked()).toContainEqual({ stream });
    });
  });

  describe('that has ended', () => {
    beforeEach(async () => {
      for (const task of await plane.claim(2)) await plane.succeed(task);
    });
    it('is done with once its read models show the end', async () => {
      await compact();
      plane.pass(CHECK_AFTER_MS);
      plane.stage.requests();

      await sweep();

      expect(plane.stage.requests()).not.toHaveProperty('dynamodb.PutItem');
      expect(await asked()).toEqual([]);
    });

    it('is given a quarter of an hour until its read models show the end', async () => {
      plane.pass(CHECK_AFTER_MS - 1);
      await sweep();

      expect(await asked()).toEqual([]);
      expect(await rearmed()).toEqual([stream]);
    });

    it('is folded by message when its read models do not show the end after that', async () => {
      plane.pass(CHECK_AFTER_MS);
      await sweep();

      const messages = await plane.stage.drain('compactions');
      expect(messages.map(({ Body }) => Body)).toEqual([JSON.stringify({ stream })]);
      expect(await plane.handlers.compact(queueEvent('compactions', messages))).toEqual({
        batchItemFailures: [],
      });
      await sweep();

      const { views } = adaptersOf(plane.stage);
      expect((await views.get(runRowKey(stream)))?.data).toMatchObject({ state: 'SUCCEEDED' });
      expect(await asked()).toEqual([]);
    });

    it('is found by the sweeper although nobody waits for it any more', async () => {
      for (let minute = 0; minute < 20; minute++) {
        plane.pass(MINUTE_MS);
        await plane.sweepNow();
      }

      expect(await asked()).toContainEqual({ stream });
    });
  });

  it('fails the message when what is owed cannot be done, so that it is delivered again', async () => {
    await loseControl();
    plane.pass(2 * MINUTE_MS);
    plane.stage.inject({ service: 'dynamodb', operation: 'PutItem', resource: 'control', kind: 'throttle' });

    expect((await sweep()).batchItemFailures).toHaveLength(1);
    plane.stage.inject();
    expect((await sweep(2)).batchItemFailures).toEqual([]);

    expect(await plane.claim(10)).toHaveLength(2);
  });

  it('refuses a message that names no stream or one of an unknown kind', async () => {
    const messages = ['{}', '{"stream":"comet#acme/prod/x"}'].map((Body) => ({ Body }));

    expect((await plane.handlers.sweep(queueEvent('sweep', messages))).batchItemFailures).toHaveLength(2);
  });
});
