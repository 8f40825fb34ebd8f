import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Client } from '#cli/client.ts';
import { captureFeed } from '#cli/feed/capture-feed.ts';
import { compareReplay } from '#cli/files/compare-replay.ts';
import { diffFiles } from '#cli/files/diff-files.ts';
import { toldRuns } from '#cli/feed/output-pages.ts';
import type { ToldEvent, ToldRun } from '#cli/feed/output-pages.ts';
import { writeOutputs } from '#cli/files/recorded-outputs.ts';
import { writeLineFile } from '#cli/files/line-file.ts';
import { bytesOf, findTape } from '#cli/tape/open-tape.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sluice-feed-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string): string => path.join(folder, name);

const event = (symbol: string, atMs: number, more: object = {}): ToldEvent => ({
  schema: 'orchestrator_event',
  schema_version: '1',
  event_type: 'EngineRunCompleted',
  run_id: `${symbol}@${atMs}`,
  symbol,
  engine_timestamp_ms: atMs,
  ...more,
});
const run = (symbol: string, atMs: number, more: object = {}): ToldRun => ({
  kind: 'run',
  events: [event(symbol, atMs, { event_type: 'EngineRunStarted' }), event(symbol, atMs, more)],
});
const unfinished = { run_id: 'C@1', symbol: 'C', engine_timestamp_ms: 1 };

/** Answers pages in order and keeps what was asked. */
const pagesClient = (...pages: readonly object[]) => {
  const asked: unknown[] = [];
  const rest = [...pages];
  const client: Client = {
    workspace: 'main',
    request: (_method, at, options) => {
      asked.push([at, options?.query]);
      return Promise.resolve(rest.shift());
    },
  };
  return { client, asked };
};
async function* each(runs: readonly ToldRun[]): AsyncGenerator<ToldRun> {
  yield* await Promise.resolve(runs);
}
const compare = (replayed: readonly ToldRun[], recorded: readonly ToldRun[]) =>
  compareReplay(each(replayed), each(recorded), () => Promise.resolve());

describe('runs of pages', () => {
  it('are whole, over pages that are short or empty, to the run that has not ended', async () => {
    const [one, other] = [run('A', 1), run('B', 1)];
    if (one.kind !== 'run' || other.kind !== 'run') throw new Error('no runs');
    const { client, asked } = pagesClient(
      { events: [...one.events, ...other.events], nextCursor: 'x' },
      { events: [], nextCursor: 'y' },
      { events: [], unfinished },
    );
    const told: ToldRun[] = [];

    for await (const each of toldRuns(client, { feedId: 'a b', list: 'replay', from: 1 })) told.push(each);

    expect(told).toEqual([one, other, { kind: 'unfinished', run: unfinished }]);
    expect(asked).toEqual(
      [undefined, 'x', 'y'].map((cursor) => [
        '{ws}/feeds/a%20b/replay',
        { from: 1, to: undefined, limit: 200, cursor },
      ]),
    );
  });
});

describe('a replay beside its record', () => {
  it('is equal when every run says the same', async () => {
    const comparison = await compare([run('A', 1), run('B', 1)], [run('A', 1), run('B', 1)]);

    expect(comparison).toMatchObject({ runs: 2, events: 4, isEqual: true });
    expect(comparison.outputHash).toBe(comparison.recordedHash);
  });

  it('names the first event that differs, also where the record has it not', async () => {
    const changed = await compare(
      [run('A', 1), run('B', 1)],
      [run('A', 1, { cut_end_ingest_seq: 99 }), run('B', 1)],
    );
    const lacking = await compare([run('A', 1), run('B', 1)], [run('A', 1)]);

    expect(changed).toMatchObject({
      isEqual: false,
      difference: { symbol: 'A', in: 'both', members: ['cut_end_ingest_seq'] },
    });
    expect(lacking).toMatchObject({ isEqual: false, difference: { symbol: 'B', in: 'first' } });
  });

  it('ends where the replay ends: what was recorded meanwhile is not compared', async () => {
    const replayed = [run('A', 1), { kind: 'unfinished', run: unfinished } as const];

    expect(await compare(replayed, [run('A', 1), run('C', 1)])).toMatchObject({ isEqual: true, unfinished });
  });
});

describe('recorded outputs', () => {
  it('are every event of the runs that have ended, and the run they stop before', async () => {
    const written: unknown[] = [];
    const write = (line: object | string): Promise<void> => {
      written.push(line);
      return Promise.resolve();
    };
    const stopped = { kind: 'unfinished', run: unfinished } as const;

    const told = await writeOutputs(
      each([run('A', 1), stopped, { ...stopped, run: { ...unfinished, run_id: 'D' } }]),
      write,
    );

    expect(told).toEqual({ events: 2, outputHash: told.outputHash, unfinished });
    expect(written).toHaveLength(2);
    expect(await writeOutputs(each([run('A', 1)]), write)).toEqual({
      events: 2,
      outputHash: told.outputHash,
    });
  });
});

describe('a capture', () => {
  const header = { schema: 'feed_capture', schema_version: '1', config: {}, record_count: 2 };
  const record = (ingest_seq: number) => ({ ingest_seq, ingest_ts_ms: 1, event: {} });
  const captured = async (...pages: readonly (object | string)[]): Promise<unknown> => {
    const texts = pages.map((page) => (typeof page === 'string' ? page : JSON.stringify(page)));
    const lines: unknown[] = [];
    const open = () => Promise.resolve(new Response(texts.shift()));
    await captureFeed({ open }, 'demo', (line) => {
      lines.push(typeof line === 'string' ? JSON.parse(line) : line);
      exact.push(line);
      return Promise.resolve();
    });
    return lines;
  };
  const exact: unknown[] = [];

  it('is the header and every record', async () => {
    expect(
      await captured({ capture: header, records: [record(1)], nextCursor: 'x' }, { records: [record(2)] }),
    ).toEqual([header, record(1), record(2)]);
  });

  it('has every record as it came, to the digit, on one line', async () => {
    const event = '{"a":9007199254740993,\r\n "b" : [1e999, 0.10, "],}\\"", {}] }';

    await captured(`{"capture":${JSON.stringify({ ...header, record_count: 1 })},"records":[
      {"ingest_seq":1, "event":${event}}\n]}`);

    expect(exact.at(-1)).toBe(
      '{"ingest_seq":1, "event":{"a":9007199254740993,  "b" : [1e999, 0.10, "],}\\"", {}] }}',
    );
  });

  it('of an answer that is no JSON is refused', async () => {
    await expect(captured('<html>')).rejects.toMatchObject({ code: 'internal' });
  });

  it.each([
    ['lacks its end', [{ capture: header, records: [record(1)] }], 'internal'],
    ['has a gap', [{ capture: header, records: [record(2)] }], 'internal'],
    ['has no header', [{ records: [record(1)] }], 'feed_reconfigured'],
  ])('that %s is refused', async (_name, pages, code) => {
    await expect(captured(...pages)).rejects.toMatchObject({ code });
  });
});

describe('a file of lines', () => {
  it('has its name once it is whole, and what it replaces until then', async () => {
    const file = inFolder('out.jsonl');
    writeFileSync(file, 'before');
    const wide = { text: 'x'.repeat(70_000) };

    const answer = await writeLineFile(file, async (write) => {
      await write(wide);
      await write({ n: 1 });
      await write('{"n":9007199254740993}');
      expect(readFileSync(file, 'utf8')).toBe('before');
      return 7;
    });

    expect(answer).toBe(7);
    expect(readFileSync(file, 'utf8')).toBe(`${JSON.stringify(wide)}\n{"n":1}\n{"n":9007199254740993}\n`);
  });

  it('leaves nothing behind when it fails', async () => {
    const file = inFolder('failed.jsonl');
    const failing = writeLineFile(file, async (write) => {
      await write({ n: 1 });
      throw new Error('no more');
    });

    await expect(failing).rejects.toThrow('no more');
    expect([existsSync(file), existsSync(`${file}.part`)]).toEqual([false, false]);
    const nowhere = inFolder('none/out.jsonl');
    await expect(writeLineFile(nowhere, () => Promise.resolve())).rejects.toMatchObject({ exitCode: 2 });
  });
});

describe('two files of events', () => {
  const fileOf = async (name: string, ...lines: readonly (object | string)[]) => {
    const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
    writeFileSync(inFolder(name), texts.join('\n'));
    return { name, bytes: bytesOf(await findTape(inFolder(name))) };
  };

  it('are equal whatever interleaves, comes again, is blank or was published when', async () => {
    const first = await fileOf('a', event('A', 1), event('B', 1), '', event('A', 2));
    const second = await fileOf(
      'b',
      event('B', 1, { published_ts_ms: 3 }),
      event('A', 1),
      event('A', 1),
      event('A', 2),
    );

    const found = await diffFiles(first, second);

    expect(found).toEqual({ isEqual: true, firstHash: found.firstHash, secondHash: found.firstHash });
  });

  it('part at the first event that differs', async () => {
    const first = await fileOf('a', event('A', 1), event('A', 2));
    const second = await fileOf('b', event('A', 1), event('A', 2, { cut_end_ingest_seq: 99 }));

    expect(await diffFiles(first, second)).toMatchObject({
      isEqual: false,
      difference: { run_id: 'A@2', members: ['cut_end_ingest_seq'] },
    });
  });

  it.each(['{', '7', 'null', '{"schema":"orchestrator_event"}', '{"error":{}}'])(
    'are refused by file and line where one holds %s',
    async (text) => {
      const diffing = diffFiles(await fileOf('a', event('A', 1), text), await fileOf('b'));

      await expect(diffing).rejects.toMatchObject({
        code: 'invalid_orchestrator_event',
        message: expect.stringMatching(/^line 2 of a is no orchestrator event: /),
        exitCode: 2,
      });
    },
  );

  it.each(['1e999', '-1e999', '9007199254740993.5'])(
    'are refused by file and line where one holds the number %s',
    async (number) => {
      const text = JSON.stringify(event('A', 2, { payload: '@' })).replace('"@"', `{"deep":[${number}]}`);
      const diffing = diffFiles(await fileOf('a', event('A', 1)), await fileOf('b', event('A', 1), text));

      await expect(diffing).rejects.toMatchObject({
        code: 'invalid_orchestrator_event',
        message: expect.stringMatching(
          /^line 2 of b is no orchestrator event: RangeError: .*(?:beyond|more digits)/,
        ),
        exitCode: 2,
      });
    },
  );

  it('differ in integers that no number tells apart, also in what names the event', async () => {
    const withNumber = (name: string, number: string) =>
      JSON.stringify(event('A', 1, { [name]: '@' })).replace('"@"', number);
    const even = withNumber('cut_end_ingest_seq', '9007199254740992');
    const odd = withNumber('cut_end_ingest_seq', '9007199254740993');

    const found = await diffFiles(await fileOf('a', even), await fileOf('b', odd));

    expect(found.isEqual).toBe(false);
    expect(found.firstHash).not.toBe(found.secondHash);
    expect(found.difference).toMatchObject({ run_id: 'A@1', in: 'both', members: ['cut_end_ingest_seq'] });
    expect((await diffFiles(await fileOf('a', odd), await fileOf('b', odd))).isEqual).toBe(true);
    const late = withNumber('engine_timestamp_ms', '9007199254740993');
    const alone = await diffFiles(await fileOf('a', late), await fileOf('b'));
    expect(JSON.parse(JSON.stringify(alone.difference))).toMatchObject({
      engine_timestamp_ms: '9007199254740993',
      in: 'first',
    });
  });

  it('differ in a member with the name of what every object inherits', async () => {
    const bare = JSON.stringify(event('A', 1, { payload: {} }));
    const named = bare.replace('"payload":{}', '"payload":{"__proto__":{}}');

    expect(await diffFiles(await fileOf('a', bare), await fileOf('b', named))).toMatchObject({
      difference: { in: 'both', members: ['payload.__proto__'] },
    });
  });
});
