/** `sluice market connect` in this process, against a venue that goes away. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { sluice, startTestStack } from '#test/support/cli.ts';
import { testFolder } from '#test/support/folders.ts';
import { startVenue } from '#test/support/venue.ts';

const limits = { retry: { min_delay_ms: 1, max_delay_ms: 1, max_attempts: 1 } };

const configured = (channels: readonly string[]): string => {
  const file = path.join(testFolder(), 'venue.json');
  const source = { source_id: 'binance', symbol_map: { BTCUSDT: 'BTC-PERP' }, channels, limits };
  writeFileSync(file, JSON.stringify({ sources: [source] }));
  return file;
};

/** A venue that confirms, says one trade and goes; and the command that reads it. */
const connect = async (...args: readonly string[]) => {
  const venue = await startVenue();
  const urls = ['--websocket-url', `${venue.websocketUrl}/`, '--rest-url', venue.restUrl];
  const ended = sluice('market', 'connect', ...urls, ...args);
  const client = await venue.next();
  await client.asked;
  expect(client.path).toBe('/market/stream');
  client.say('btcusdt@aggTrade', '{"a":1,"p":"1.5","q":"2","T":4,"m":true}');
  client.socket.close(1001, 'bye');
  return ended;
};

it('prints events without a stage, and ends with what went wrong when the venue stays away', async () => {
  const { code, stdout, stderr } = await connect('--config', configured(['trades']));

  expect(JSON.parse(stdout)).toMatchObject({
    event_type: 'TradeTick',
    symbol: 'BTC-PERP',
    channel: 'trades',
  });
  expect(code).toBe(1);
  expect(stderr).toContain('"state":"failed","error_detail":"the venue closed the connection: 1001 bye"');
  expect(stderr).toContain('adapter_failed: 1 of 1 adapters failed, 1 events were written: the venue closed');
});

it('tells what it could not write, and why', async () => {
  const { stateDir } = await startTestStack();
  const { code, stderr } = await connect(
    ...['--config', configured(['trades']), '--stage', 'elsewhere', '--state', stateDir],
  );

  expect(code).toBe(1);
  expect(stderr).toContain('events_lost: 1 of 1 events were read and could not be written');
  expect(stderr).toContain('sluice-elsewhere-market-events');
});

it('connects to nothing when the command is wrong', async () => {
  const config = configured(['trades']);
  const refused = async (...args: readonly string[]) => sluice('market', 'connect', ...args);

  expect(await refused('--config', configured(['candle_1m']))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(
      'invalid_config: the configuration is refused: source binance lists channel',
    ),
  });
  expect(await refused('--config', configured([]))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('channels must be set for source_id=binance'),
  });
  expect(await refused('--config', config, '--aws')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--stage STAGE'),
  });
  for (const url of ['nowhere', 'http://venue.test', 'wss://venue.test/?a=1'])
    expect(await refused('--config', config, '--websocket-url', url)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`--websocket-url ${url} must be a URL that begins with wss: or ws:`),
    });
  expect(await refused('--config', config, '--rest-url', 'ws://venue.test')).toMatchObject({ code: 2 });
  expect(await refused('--config', config, '--stage', 'Prod')).toMatchObject({ code: 2 });
  expect(await refused('--config', config, '--open-interest-every', '0')).toMatchObject({ code: 2 });
  expect(await refused('--config', config, '--stage', 'dev', '--state', testFolder())).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('no Sluice runs from'),
  });
});
