/** The events of a run as a stream, through the gateway, on the virtual clock. */
import { describe, expect, it } from 'vitest';

import { apiOf, bootTestCloud, inMain, tokenOf } from '#test/support/cloud.ts';
import type { Answer, Api } from '#test/support/cloud.ts';
import {
  callback,
  claimOne,
  deploy,
  listedRun,
  runEvents,
  succeed,
  trigger,
} from '#test/support/cloud-assets.ts';

const follow = (api: Api, runId: string, lastEventId?: number, query = ''): Promise<Answer> =>
  api.ask('GET', inMain(`/runs/${runId}/events/stream${query}`), {
    headers: lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) },
  });

interface Frame {
  readonly id: number;
  readonly event: string;
  readonly data: object;
}

const framesIn = ({ body }: Answer): readonly Frame[] =>
  String(body['text'])
    .split('\n\n')
    .filter((part) => part.startsWith('id: '))
    .map((part) => {
      const [, id, event, data] = /^id: (\d+)\nevent: (\w+)\ndata: (.*)$/.exec(part) ?? [];
      return { id: Number(id), event: String(event), data: JSON.parse(String(data)) as object };
    });

const begin = async () => {
  const cloud = await bootTestCloud();
  const api = apiOf(cloud);
  await deploy(api, { a: [], b: ['a'] });
  return { cloud, api, runId: await trigger(api, ['a', 'b']) };
};

describe('the stream of a run', () => {
  it('tells each event once, in order, as it comes, and ends with the run', async () => {
    const { cloud, api, runId } = await begin();
    const streamed = follow(api, runId);
    await cloud.advance(1_000);
    await succeed(api, await claimOne(api));
    await cloud.advance(40_000);
    await succeed(api, await claimOne(api));
    await cloud.advance(5_000);

    const answer = await streamed;
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': ['text/event-stream'] } });
    const history = await runEvents(api, runId);
    expect(framesIn(answer).map(({ data }) => data)).toEqual(history);
    expect(framesIn(answer).map(({ id }) => id)).toEqual(history.map(({ sequence }) => sequence));
    expect(framesIn(answer).at(-1)?.event).toBe('RunCompleted');
    const text = String(answer.body['text']);
    expect(text.startsWith('retry: 1000\n\n')).toBe(true);
    expect(text.match(/: heartbeat\n\n/g)?.length).toBe(2);
    expect(text.endsWith(': the run has ended\n\n')).toBe(true);
    expect(cloud.faultLines()).toEqual([]);
  });

  it('goes on behind the last event seen, wherever it lies, and answers 204 when nothing can follow', async () => {
    const { cloud, api, runId } = await begin();
    await succeed(api, await claimOne(api));
    await succeed(api, await claimOne(api));
    const history = await runEvents(api, runId);
    for (const seen of [0, 1, 2, 3, 4, history.length - 1])
      expect(framesIn(await follow(api, runId, seen)).map(({ id }) => id)).toEqual(
        history.map(({ sequence }) => sequence).filter((sequence) => sequence > seen),
      );
    expect(framesIn(await follow(api, runId, undefined, '?after=3'))[0]?.id).toBe(4);
    expect(framesIn(await follow(api, runId, 5, '?after=1'))[0]?.id).toBe(6);
    expect(await follow(api, runId, history.length)).toMatchObject({ status: 204, body: {} });
    await cloud.settle();
  });

  it('ends after its lease, between events, and the next one takes over', async () => {
    const { cloud, api, runId } = await begin();
    const task = await claimOne(api);
    const streamed = follow(api, runId);
    await cloud.advance(119_999);
    await callback(api, 'heartbeat', task, { progressPct: 10 });
    await cloud.advance(3_000);
    const first = await streamed;
    expect(String(first.body['text']).endsWith(': come back with the last id\n\n')).toBe(true);
    const last = framesIn(first).at(-1)?.id ?? 0;
    await succeed(api, task);
    await succeed(api, await claimOne(api));
    const second = framesIn(await follow(api, runId, last));
    const ids = [...framesIn(first), ...second].map(({ id }) => id);
    expect(ids).toEqual((await runEvents(api, runId)).map(({ sequence }) => sequence));
  });

  it('goes on behind the last task while an output is pending, and ends when it is visible', async () => {
    const cloud = await bootTestCloud();
    const api = apiOf(cloud);
    await deploy(api, { a: [] });
    const runId = await trigger(api, ['a']);
    const task = await claimOne(api);
    await succeed(api, task, { outputVisibilityState: 'PENDING' });
    await cloud.settle();
    expect(await listedRun(api, runId)).toMatchObject({ state: 'RUNNING' });
    const streamed = follow(api, runId);
    await cloud.advance(20_000);
    expect(await callback(api, 'visibility', task, { visibilityState: 'VISIBLE' })).toMatchObject({
      body: { runState: 'SUCCEEDED' },
    });
    await cloud.advance(3_000);
    expect(framesIn(await streamed).slice(-2)).toMatchObject([
      { event: 'RunCompleted' },
      { event: 'OutputVisibilityChanged' },
    ]);
    expect(await listedRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('refuses what it cannot stream like every other read', async () => {
    const { api, runId } = await begin();
    const none = `run_${'0'.repeat(26)}`;
    expect(await follow(api, none)).toMatchObject({ status: 404, body: { code: 'run_not_found' } });
    const odd = await api.ask('GET', inMain(`/runs/${runId}/events/stream`), {
      headers: { 'last-event-id': 'x' },
    });
    expect(odd).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    const foreign = { bearer: tokenOf(api.cloud, { tenantId: 'other' }) };
    expect(await api.ask('GET', inMain(`/runs/${runId}/events/stream`), foreign)).toMatchObject({
      status: 404,
    });
    const posted = await api.cloud.request('POST', inMain(`/runs/${runId}/events/stream`), { body: {} });
    expect(posted.status).toBe(405);
  });

  it('is opened so often by one caller and no oftener', async () => {
    const { api, runId } = await begin();
    await succeed(api, await claimOne(api));
    await succeed(api, await claimOne(api));
    const asked = await Promise.all(Array.from({ length: 21 }, () => follow(api, runId)));
    expect(asked.filter(({ status }) => status === 200)).toHaveLength(20);
    expect(asked.find(({ status }) => status === 429)).toMatchObject({
      body: { code: 'rate_limited', details: { budget: 'streams' } },
    });
  });
});
