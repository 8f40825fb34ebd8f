import { Writable } from 'node:stream';
import { expect, it } from 'vitest';

import { parseMarketDataConfig } from '#contracts/market/market-data-config.ts';
import { connectionsOf } from '#domain/market/transport/binance.ts';
import { adapterSetting } from '#domain/market/transport/setting.ts';
import { lineSink } from '#cli/venue/line-sink.ts';
import type { Heard } from '#cli/venue/link.ts';
import { runAdapter } from '#cli/venue/run-adapter.ts';
import { virtualClock } from '#local/kernel/clock.ts';

it('hears nothing of a link that is over, whatever it still tells', () => {
  const parsed = parseMarketDataConfig({
    sources: [{ source_id: 'binance', symbol_map: { BTCUSDT: 'BTC' }, channels: ['trades'] }],
  });
  const found = parsed.kind === 'valid' ? connectionsOf(parsed.config) : parsed;
  const [connection] = found.kind === 'valid' ? found.connections : [];
  if (!connection) throw new Error('there is one');
  const clock = virtualClock(0);
  const links: Heard[] = [];
  const acts: string[] = [];
  const act = (name: string) => () => void acts.push(name);
  const adapter = runAdapter({
    ...{ connection, clock, setting: adapterSetting(null) },
    open: (_connection, heard) => {
      links.push(heard);
      return { subscribe: act('subscribe'), pause: act('pause'), resume: act('resume'), close: act('close') };
    },
    tell: () => undefined,
    accept: (events) => {
      acts.push(`${events.length} accepted`);
      return true;
    },
    onFailed: act('failed'),
  });
  const [first] = links;
  first?.opened();
  first?.taken({ kind: 'subscribed' });
  first?.taken({ kind: 'events', events: [] });
  first?.lost({ errorDetail: 'gone' });
  first?.taken({ kind: 'events', events: [] });
  clock.step(250);
  first?.taken({ kind: 'events', events: [] });
  first?.taken({ kind: 'subscribed' });
  first?.lost({ errorDetail: 'gone twice' });

  expect(acts).toEqual(['subscribe', '0 accepted', 'close']);
  expect(links).toHaveLength(2);
  expect(adapter.current()).toMatchObject({ connection: 2, phase: { kind: 'connecting' } });
});

it('writes events as lines, and tells when they cannot be written', async () => {
  const records = ['{"a":1}', '{"a":2}'].map((body) => ({ partitionKey: 'key', body }));
  let text = '';
  const open = new Writable({
    write: (part: Buffer, _encoding, done) => {
      text += part.toString();
      done();
    },
  });
  const closed = new Writable({ write: (_part, _encoding, done) => done(new Error('nobody reads')) });
  closed.on('error', () => undefined);

  expect(await lineSink(open).put(records)).toEqual([]);
  expect(text).toBe('{"a":1}\n{"a":2}\n');
  await expect(lineSink(closed).put(records)).rejects.toThrow('nobody reads');
});
