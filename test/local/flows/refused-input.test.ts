import { describe, expect, it } from 'vitest';
import * as z from 'zod';

import { ManifestFault } from '#contracts/runs/manifest.ts';
import { apiOf, bootTestCloud, inMain } from '#test/support/cloud.ts';
import { deploy, readRun, trigger, workOff } from '#test/support/cloud-assets.ts';
import {
  buffered,
  distinct,
  engineRuns,
  published,
  putRecords,
  readFeed,
  receiveAll,
  snapshotInputs,
  startFeed,
  trade,
} from '#test/support/cloud-market.ts';
import type { Put } from '#test/support/cloud-market.ts';
import { asset, manifest } from '#test/support/manifest-fixtures.ts';

const MINUTE_MS = 60_000;
const at = (text: string | Uint8Array, partitionKey = 'venue|AAA|trades'): Put => ({
  data: text,
  partitionKey,
});
const changed = (change: object): Put => {
  const { data, partitionKey } = trade('AAA', 20_000);
  return { data: JSON.stringify({ ...(JSON.parse(String(data)) as object), ...change }), partitionKey };
};

/** Records nobody takes, with the code of their dead letter. */
const refused: Readonly<Record<string, readonly [Put, code: string]>> = {
  'an unknown symbol': [trade('ZZZ', 20_000), 'unlisted_symbol'],
  'an unknown source': [changed({ source_id: 'elsewhere' }), 'unlisted_source'],
  'an unknown event type': [changed({ event_type: 'Rumour' }), 'unsupported_event_type'],
  'a missing key': [changed({ normalized: { price: 1 } }), 'missing_normalized_keys'],
  'a wrong value': [changed({ normalized: { price: 'x', quantity: 1, side: null } }), 'invalid_market_event'],
  'JSON that is no event': [at('{"a":1}'), 'invalid_market_event'],
  'JSON that is no object': [at('42'), 'invalid_market_event'],
  'another schema version': [changed({ schema_version: '2' }), 'invalid_market_event'],
};

const stage = async () => {
  const api = apiOf(await bootTestCloud());
  await startFeed(api);
  return api;
};

/** A good record before, the one under test, and what completes the run of the first minute after it. */
const around = (put: Put): readonly Put[] => [
  trade('AAA', 10_000),
  put,
  snapshotInputs('AAA', MINUTE_MS, 50_000),
  trade('AAA', MINUTE_MS + 1_000),
];

describe('a market record', () => {
  it.each(Object.entries(refused))(
    'with %s goes to the dead letters, and its neighbours go on',
    async (_, row) => {
      const [put, code] = row;
      const api = await stage();
      await putRecords(api.cloud, around(put));
      await api.cloud.settle();
      const letters = await receiveAll(api.cloud, 'market-dead-letters');
      expect(letters).toMatchObject([{ code, partitionKey: put.partitionKey }]);
      expect(Buffer.from(String(letters[0]?.['data']), 'base64')).toEqual(Buffer.from(put.data));
      expect(await readFeed(api)).toMatchObject({ recordCount: 3, decodeFailureCount: 0 });
      expect(await engineRuns(api)).toMatchObject([{ symbol: 'AAA', status: 'completed' }]);
    },
  );

  it.each([
    ['is as long as a message may be', 'T'.repeat(300_000)],
    ['no message may hold', '\uffff'],
    ['is half a character', '\ud800'],
  ])('with an event type that %s is one dead letter more, and its neighbours go on', async (_, type) => {
    const api = await stage();
    await putRecords(api.cloud, around(changed({ event_type: type })));
    await api.cloud.settle();
    expect(await receiveAll(api.cloud, 'market-dead-letters')).toMatchObject([
      { code: 'unsupported_event_type' },
    ]);
    expect(await readFeed(api)).toMatchObject({ recordCount: 3, decodeFailureCount: 0 });
  });

  it.each([
    ['text that is no JSON', at('HTTP/1.1 502'), 'HTTP/1.1 502', 'text'],
    ['bytes that are no text', at(Buffer.from('fffefd00', 'hex')), '//79AA==', 'base64'],
  ])('of %s becomes a decode failure that keeps the payload', async (_, put, payload, encoding) => {
    const api = await stage();
    await putRecords(api.cloud, around(put));
    await api.cloud.settle();
    expect(await receiveAll(api.cloud, 'market-dead-letters')).toEqual([]);
    expect(await readFeed(api)).toMatchObject({ recordCount: 4, decodeFailureCount: 1 });
    expect(await engineRuns(api)).toMatchObject([{ symbol: 'AAA', status: 'completed' }]);
    const [kept] = await buffered(api.cloud, put.partitionKey);
    expect(JSON.parse(kept?.text ?? '')).toMatchObject({
      event_type: 'DecodeFailure',
      source_id: 'unknown',
      symbol: put.partitionKey,
      raw_payload: payload,
      raw_payload_encoding: encoding,
    });
  });

  it('over the size is refused by the stream, and the others of the request are taken', async () => {
    const api = await stage();
    const big = { Data: Buffer.alloc(1_048_577).toString('base64'), PartitionKey: 'k' };
    await expect(
      api.cloud.call('kinesis', 'PutRecord', { StreamName: 'sluice-dev-market-events', ...big }),
    ).rejects.toMatchObject({ code: 'ValidationException' });
    await putRecords(api.cloud, [trade('AAA', 10_000)]);
    await api.cloud.settle();
    expect(await readFeed(api)).toMatchObject({ recordCount: 1 });
  });

  it('of no feed at all waits for nobody: it is a dead letter', async () => {
    const api = apiOf(await bootTestCloud());
    await putRecords(api.cloud, [trade('AAA', 10_000)]);
    await api.cloud.settle();
    expect(await receiveAll(api.cloud, 'market-dead-letters')).toMatchObject([{ code: 'unlisted_source' }]);
  });
});

describe('a run without its snapshot inputs', () => {
  it('fails with its kind, and the runs before and after it complete', async () => {
    const api = await stage();
    await putRecords(api.cloud, [
      snapshotInputs('AAA', MINUTE_MS, 50_000),
      trade('AAA', MINUTE_MS + 1_000),
      snapshotInputs('AAA', 3 * MINUTE_MS, 2 * MINUTE_MS + 1_000),
      trade('AAA', 3 * MINUTE_MS + 1_000),
    ]);
    await api.cloud.settle();
    const runs = [...(await engineRuns(api))].reverse();
    expect(runs.map(({ status, error_kind }) => [status, error_kind])).toEqual([
      ['completed', null],
      ['failed', 'missing_snapshot_inputs'],
      ['completed', null],
    ]);
    expect(distinct(await published(api.cloud))).toHaveLength(6);
  });
});

describe('a bad manifest', () => {
  it('is refused with every fault at once, its cycle named, and the deployed one goes on', async () => {
    const api = apiOf(await bootTestCloud());
    await deploy(api, { a: [] });
    const bad = manifest([
      asset('demo', 'x', ['demo.y']),
      asset('demo', 'y', ['demo.z']),
      asset('demo', 'z', ['demo.x']),
      asset('demo', 'q', ['demo.nowhere']),
      asset('demo', 'q', []),
      asset('De mo', 'r', []),
    ]);
    const answer = await api.ask('POST', inMain('/manifests'), { body: bad });
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_manifest' } });
    const { faults } = z.object({ faults: z.array(ManifestFault) }).parse(answer.body['details']);
    expect(new Set(faults.map(({ code }) => code))).toEqual(
      new Set(['cycle', 'unknown_upstream', 'duplicate_asset_key', 'invalid_asset_key']),
    );
    const cycle = faults.find(({ code }) => code === 'cycle')?.message ?? '';
    for (const name of ['demo.x', 'demo.y', 'demo.z']) expect(cycle).toContain(name);

    const runId = await trigger(api, ['a']);
    await workOff(api);
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
  });
});
