/** `sluice market connect` as a process whose outputs are not read: what it has read is written, or told as lost. */
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it, onTestFinished } from 'vitest';
import { testFolder } from '#test/support/folders.ts';
import { startVenue } from '#test/support/venue.ts';
import { repositoryRoot } from '#tools/torture/sluice-process.ts';

const trade = (id: number): string =>
  `{"a":${id},"p":"1.5","q":"2","T":4,"m":true,"pad":"${'y'.repeat(500)}"}`;

/** A process that reads trades, which the venue may say from now on. */
const connected = async (...args: readonly string[]) => {
  const venue = await startVenue();
  const config = path.join(testFolder(), 'venue.json');
  const source = { source_id: 'binance', symbol_map: { BTCUSDT: 'BTC-PERP' }, channels: ['trades'] };
  writeFileSync(config, JSON.stringify({ sources: [source] }));
  const command = ['market', 'connect', '--config', config, '--websocket-url', venue.websocketUrl, ...args];
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(
    process.execPath,
    [path.join(repositoryRoot, 'cli/sluice.mjs'), ...command],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code]) => code as unknown);
  const client = await venue.next();
  await client.asked;
  return { child, client, ended };
};

it('goes on when nobody hears what is told of it', async () => {
  const { child, client, ended } = await connected('--summary-every', '20');
  child.stderr.destroy();
  client.say('btcusdt@aggTrade', '{}');
  await once(child.stdout, 'readable');
  const all = text(child.stdout);
  client.say('btcusdt@aggTrade', trade(1));
  client.socket.ping();
  await once(client.socket, 'pong');
  child.kill('SIGTERM');

  expect(await ended).toBe(0);
  expect((await all).trim().split('\n')).toEqual([
    expect.stringContaining('DecodeFailure'),
    expect.stringContaining('TradeTick'),
  ]);
});

it('ends in time when its reader stands still, and tells what that costs', async () => {
  const { child, client, ended } = await connected('--drain-within', '100');
  const told = text(child.stderr);
  for (let id = 1; id <= 1_000; id++) client.say('btcusdt@aggTrade', trade(id));
  client.socket.ping();
  await once(client.socket, 'pong');
  child.kill('SIGTERM');

  expect(await ended).toBe(1);
  expect(await told).toMatch(
    /events_lost: \d+ of 1000 events were read and could not be written: the sink has not taken them within 100 ms/,
  );
});

it('ends at once when its reader has gone', async () => {
  const { child, client, ended } = await connected();
  const told = text(child.stderr);
  child.stdout.destroy();
  const flow = setInterval(() => client.say('btcusdt@aggTrade', trade(1)), 5);
  onTestFinished(() => clearInterval(flow));

  expect(await ended).toBe(1);
  expect(await told).toMatch(/events_lost: .*write EPIPE/);
});
