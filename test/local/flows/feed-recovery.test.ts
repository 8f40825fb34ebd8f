/** A feed whose outputs are refused waits for a person: reminded of, resumed, and never lost with its execution. */
import { describe, expect, it } from 'vitest';

import type { FaultRule } from '#local/dispatch/faults.ts';
import {
  minuteFeed,
  published,
  putRecords,
  snapshotInputs,
  startFeed,
  trade,
} from '#test/support/cloud-market.ts';
import { commitsIn, dropControl, executionsOf, itemsOf } from '#test/support/cloud-stores.ts';
import { apiOf, bootTestCloud, inMain } from '#test/support/cloud.ts';
import type { Api, TestCloud } from '#test/support/cloud.ts';

const MINUTE_MS = 60_000;
const REMINDER_MS = 10 * MINUTE_MS;

/** Enough refusals for a halt and for one more look, then the stream takes records again. */
const refused = (hitsMax: number): FaultRule => ({
  service: 'kinesis',
  operation: 'PutRecord',
  resource: 'sluice-dev-orchestrator-events',
  kind: 'throttle',
  hitsMax,
});

/** A feed of one symbol whose only run cannot be published; halted after a quarter of an hour. */
const haltedFeed = async (): Promise<Api> => {
  const api = apiOf(await bootTestCloud({ faults: [refused(80)] }));
  await startFeed(api, 'feed', minuteFeed({ recovery: { reminder_ms: REMINDER_MS, max_reminders: 3 } }));
  await putRecords(api.cloud, [snapshotInputs('AAA', MINUTE_MS, 1_000), trade('AAA', MINUTE_MS + 1)]);
  await api.cloud.advance(17 * MINUTE_MS);
  expect(await told(api.cloud)).toEqual(['PublicationHalted']);
  return api;
};

const told = async (cloud: TestCloud): Promise<readonly string[]> =>
  (await commitsIn(cloud))
    .filter(({ stream }) => stream.startsWith('feed#'))
    .flatMap(({ events }) => events.map(({ type }) => type))
    .filter((type) => /^Publication|^FeedResumed|^Recovery/.test(type));

const statuses = async (cloud: TestCloud): Promise<readonly string[]> =>
  (await executionsOf(cloud, 'feed-recovery')).map(({ status }) => status);

const resume = (api: Api) =>
  apiOf(api.cloud, { role: 'approver' }).must('POST', inMain('/feeds/feed/resume'), { reason: 'mended' });

const stop = async (cloud: TestCloud): Promise<void> => {
  for (const { executionArn, status } of await executionsOf(cloud, 'feed-recovery'))
    if (status === 'RUNNING') await cloud.call('states', 'StopExecution', { executionArn });
};

const reminders = (cloud: TestCloud): number =>
  cloud.logged.filter((line) => line.includes('a feed waits for a person to resume it')).length;

describe('a feed whose outputs were refused for too long', () => {
  it('reminds at each interval, and its execution ends with the resumption', async () => {
    const api = await haltedFeed();
    expect(await statuses(api.cloud)).toEqual(['RUNNING']);
    await api.cloud.advance(2 * REMINDER_MS);
    expect(reminders(api.cloud)).toBe(2);

    await resume(api);
    await api.cloud.settle();

    expect(await statuses(api.cloud)).toEqual(['SUCCEEDED']);
    await api.cloud.advance(3 * REMINDER_MS);
    expect(await told(api.cloud)).toEqual([
      'PublicationHalted',
      'RecoveryReminded',
      'RecoveryReminded',
      'FeedResumed',
      'RecoveryEnded',
      'PublicationRecovered',
    ]);
    expect((await published(api.cloud)).length).toBeGreaterThan(0);
    expect(reminders(api.cloud)).toBe(2);
  });

  it('keeps its task token from every place but control, where it is sealed', async () => {
    const { cloud } = await haltedFeed();
    const [execution] = await executionsOf(cloud, 'feed-recovery');
    const { events } = await cloud.call('states', 'GetExecutionHistory', {
      executionArn: execution?.executionArn,
    });
    const token = /\\?"taskToken\\?":\\?"([\w-]+)/.exec(JSON.stringify(events))?.[1] ?? '';
    expect(token.length).toBeGreaterThan(32);

    const kept = await Promise.all(['ledger', 'views', 'control'].map((table) => itemsOf(cloud, table)));
    expect(JSON.stringify([...kept, cloud.logged])).not.toContain(token);
    expect(JSON.stringify(kept.at(-1))).toContain('resume-token#feed#local/main/feed');
  });

  it('gets the next generation when its execution is lost, and again when that one has expired', async () => {
    const api = await haltedFeed();
    await stop(api.cloud);
    await api.cloud.advance(REMINDER_MS + 15 * MINUTE_MS);
    expect(await statuses(api.cloud)).toEqual(['RUNNING', 'ABORTED']);

    await api.cloud.advance(5 * REMINDER_MS);

    expect(await told(api.cloud)).toEqual([
      'PublicationHalted',
      'RecoveryRestarted',
      'RecoveryReminded',
      'RecoveryReminded',
      'RecoveryReminded',
      'RecoveryRestarted',
    ]);
    expect(await statuses(api.cloud)).toEqual(['RUNNING', 'SUCCEEDED', 'ABORTED']);
  });

  it('is resumed though its execution is lost: nobody waits for it longer than a few minutes', async () => {
    const api = await haltedFeed();
    await stop(api.cloud);

    await resume(api);
    await api.cloud.advance(5 * MINUTE_MS);

    expect((await told(api.cloud)).slice(1).sort()).toEqual([
      'FeedResumed',
      'PublicationRecovered',
      'RecoveryEnded',
    ]);
  });

  it('is resumed once under a key, and another request under it is refused', async () => {
    const { cloud } = await haltedFeed();
    const approver = apiOf(cloud, { role: 'approver' });
    const ask = (reason: string) =>
      approver.ask('POST', inMain('/feeds/feed/resume'), {
        body: { reason },
        headers: { 'idempotency-key': 'mended-1' },
      });

    expect(await ask('mended')).toMatchObject({ status: 200 });
    expect(await ask('mended')).toMatchObject({ status: 200 });
    expect(await ask('mended again')).toMatchObject({
      status: 409,
      body: { code: 'idempotency_key_reused' },
    });
    expect((await told(cloud)).filter((type) => type === 'FeedResumed')).toHaveLength(1);
  });

  it('is resumed though control is lost with the token: its execution finds out by itself', async () => {
    const api = await haltedFeed();
    await dropControl(api.cloud, (pk) => pk.startsWith('resume-token#'));
    await resume(api);
    await api.cloud.settle();
    expect(await statuses(api.cloud)).toEqual(['RUNNING']);

    await api.cloud.advance(REMINDER_MS);

    expect(await statuses(api.cloud)).toEqual(['SUCCEEDED']);
    expect(reminders(api.cloud)).toBe(0);
    expect(await told(api.cloud)).toContain('RecoveryEnded');
  });
});
