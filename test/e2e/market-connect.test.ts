/** `sluice market connect` as a process: it reads a venue, writes to the market stream, and ends well when it is told. */
import { GetRecordsCommand, GetShardIteratorCommand, KinesisClient } from '@aws-sdk/client-kinesis';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { startTestStack } from '#test/support/cli.ts';
import { testFolder } from '#test/support/folders.ts';
import { startVenue } from '#test/support/venue.ts';
import { startSluice } from '#tools/torture/sluice-process.ts';

const STREAM = 'sluice-dev-market-events';

const recordsOf = async (awsUrl: string) => {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new KinesisClient({ endpoint: awsUrl, region: 'us-east-1', credentials });
  const { ShardIterator } = await client.send(
    new GetShardIteratorCommand({
      StreamName: STREAM,
      ShardId: 'shardId-000000000000',
      ShardIteratorType: 'TRIM_HORIZON',
    }),
  );
  const { Records = [] } = await client.send(new GetRecordsCommand({ ShardIterator }));
  client.destroy();
  return Records.map(({ PartitionKey, Data }) => [
    PartitionKey,
    JSON.parse(Buffer.from(Data ?? []).toString()) as Record<string, unknown>,
  ]);
};

it('writes what it has read to the stream of a stage, also what came just before SIGTERM', async () => {
  const { stateDir, awsUrl } = await startTestStack();
  const venue = await startVenue();
  const config = path.join(testFolder(), 'venue.json');
  const source = { source_id: 'binance', symbol_map: { BTCUSDT: 'BTC-PERP' } };
  writeFileSync(config, JSON.stringify({ sources: [{ ...source, channels: ['trades', 'open_interest'] }] }));
  const to = ['--config', config, '--stage', 'dev', '--state', stateDir];
  const urls = ['--websocket-url', venue.websocketUrl, '--rest-url', venue.restUrl];

  const connecting = startSluice(['market', 'connect', ...to, ...urls]);
  const client = await venue.next();
  await connecting.remark(/"channel":"trades","state":"running"/);
  await connecting.remark(/"channel":"open_interest","state":"running"/);
  client.say('btcusdt@aggTrade', '{"a":1,"p":"1.5","q":"2","T":4,"m":true}');
  client.say('btcusdt@aggTrade', '{"a":2}');
  await connecting.remark(/market_data.decode_failure/);
  connecting.signal('SIGTERM');

  expect(await connecting.ended).toEqual({ code: 0, signal: null });
  expect(connecting.stdout).toEqual([]);
  const of = (channel: string, event_type: string): readonly unknown[] => [
    `binance|BTC-PERP|${channel}`,
    expect.objectContaining({ event_type, channel, source_id: 'binance', symbol: 'BTC-PERP' }),
  ];
  expect(await recordsOf(awsUrl)).toEqual([
    of('open_interest', 'OpenInterest'),
    of('trades', 'TradeTick'),
    of('trades', 'DecodeFailure'),
  ]);
  const said = connecting.stderr.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(said.filter(({ state }) => state === 'stopped')).toHaveLength(2);
  expect(said.find(({ message }) => message === 'market_data.cadence_summary')).toMatchObject({
    ...{ stage: 'dev', function: 'market-connect', adapter_status: 'stopped' },
    ...{ raw_events_ingested: 3, decode_failures: 1 },
  });
  expect(said.at(-1)).toMatchObject({ stage: 'dev', 'market_data.transport.state': 0 });
});
