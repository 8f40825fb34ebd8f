import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '#local/kernel/journal.ts';
import { realDisk, type Disk } from '#local/journal/disk.ts';
import { StateDirectoryError } from '#local/journal/state-directory-error.ts';
import { openStateDirectory } from '#local/journal/state-directory.ts';
import {
  abandon,
  appendEach,
  directory,
  eachInItsDirectory,
  entry,
  open,
  refusalOf,
  reread,
  segmentFiles,
  SEGMENT_BYTES,
  upTo,
} from '#test/unit/local/journal/fixture.ts';

eachInItsDirectory();

describe('appending', () => {
  it('hands back every entry with its engine in the order of appending', async () => {
    const state = open();
    state.journal.append('sqs', ['send', 'é€😀', { a: [1, null] }]);
    state.journal.append('kinesis', ['put', 2]);
    await state.journal.durable();
    await state.close();

    const again = open();
    expect([...again.entries()]).toEqual([
      ['sqs', ['send', 'é€😀', { a: [1, null] }]],
      ['kinesis', ['put', 2]],
    ]);
    await again.close();
  });

  it('keeps the value an entry had when it was appended', async () => {
    const state = open();
    const item = { count: 1 };
    state.journal.append('dynamodb', ['put', item]);
    item.count = 2;
    await state.journal.durable();
    await state.close();

    const again = open();
    expect([...again.entries()]).toEqual([['dynamodb', ['put', { count: 1 }]]]);
    await again.close();
  });

  it('writes and syncs once for all entries of one turn', async () => {
    let syncs = 0;
    const state = open({
      disk: {
        ...realDisk,
        sync: (handle) => {
          syncs++;
          realDisk.sync(handle);
        },
      },
    });
    syncs = 0;
    for (const n of upTo(50)) state.journal.append('dynamodb', entry(n));
    await Promise.all([state.journal.durable(), state.journal.durable()]);
    expect(syncs).toBe(1);
    await state.close();
  });

  it('is durable at once when nothing is pending', async () => {
    const state = open();
    await state.journal.durable();
    await appendEach(state, [1]);
    const first = state.journal.durable();
    expect(state.journal.durable()).toBe(first);
    await state.close();
  });

  it('goes on in a new segment when the present one is full, also with an entry larger than a segment', async () => {
    const state = open();
    await appendEach(state, upTo(10), 700);
    await appendEach(state, [11], SEGMENT_BYTES * 3);
    await appendEach(state, [12, 13], 700);
    await state.close();
    expect(segmentFiles().length).toBeGreaterThan(3);
    expect(await reread()).toEqual(upTo(13));
    expect(await reread()).toEqual(upTo(13));
  });

  it('appends behind what earlier processes left', async () => {
    for (const n of upTo(5)) {
      const state = open();
      await appendEach(state, [n]);
      await state.close();
    }
    expect(await reread()).toEqual(upTo(5));
  });
});

describe('snapshots', () => {
  it('replace the entries before them and leave those after them', async () => {
    const state = open();
    await appendEach(state, upTo(20), 700);
    const before = segmentFiles();
    const written = state.snapshot([['dynamodb', entry(100)]]);
    state.journal.append('dynamodb', entry(21));
    await written;
    await state.journal.durable();
    await state.close();
    expect(before.length).toBeGreaterThan(3);
    expect(segmentFiles().filter((name) => before.includes(name))).toEqual([]);
    expect(await reread()).toEqual([100, 21]);
  });

  it('read their entries before anything else can change them', async () => {
    const state = open();
    const item = { count: 1 };
    await appendEach(state, [1]);
    function* entries(): Generator<readonly [string, JournalEntry]> {
      yield ['dynamodb', ['put', item]];
    }
    const written = state.snapshot(entries());
    item.count = 2;
    await written;
    await state.close();
    const again = open();
    expect([...again.entries()]).toEqual([['dynamodb', ['put', { count: 1 }]]]);
    await again.close();
  });

  it('hold many frames, and may be empty', async () => {
    const state = open();
    await appendEach(state, [1]);
    await state.snapshot(upTo(3000).map((n) => ['dynamodb', entry(n, 1000)]));
    await appendEach(state, [3001]);
    await state.close();
    expect(await reread()).toEqual(upTo(3001));

    const again = open();
    await again.snapshot([]);
    await again.close();
    expect(await reread()).toEqual([]);
  });

  it('are due beyond the limits of the tail, also after a restart, and not again at once', async () => {
    const limits = { tailRecordsMax: 5, tailBytesMax: 100_000 };
    const state = open(limits);
    await appendEach(state, upTo(5));
    expect(state.shouldSnapshot()).toBe(false);
    await appendEach(state, [6]);
    expect(state.shouldSnapshot()).toBe(true);
    await state.close();

    const again = open(limits);
    expect(again.shouldSnapshot()).toBe(true);
    await again.snapshot([['dynamodb', entry(1)]]);
    expect(again.shouldSnapshot()).toBe(false);
    await appendEach(again, [7], 100_000);
    expect(again.shouldSnapshot()).toBe(true);
    await again.close();
  });

  it('wait until the tail is half as long as the last one', async () => {
    const state = open({ tailRecordsMax: 2 });
    await appendEach(state, upTo(3));
    await state.snapshot(upTo(20).map((n) => ['dynamodb', entry(n)]));
    await appendEach(state, upTo(9));
    expect(state.shouldSnapshot()).toBe(false);
    await appendEach(state, [10]);
    expect(state.shouldSnapshot()).toBe(true);
    await state.close();
  });

  it('that fail to be read leave the journal as it was', async () => {
    const state = open();
    await appendEach(state, [1]);
    function* broken(): Generator<readonly [string, JournalEntry]> {
      yield ['dynamodb', entry(5)];
      throw new Error('an engine failed');
    }
    await expect(state.snapshot(broken())).rejects.toMatchObject({ code: 'state_unwritable' });
    await appendEach(state, [2]);
    await state.close();
    expect(await reread()).toEqual([1, 2]);
  });
});

class Killed extends Error {}

/** Does the first `steps` changes of the disk, then stops for good. */
const mortalDisk = (steps: number): Disk => {
  let left = steps;
  const step =
    <Arguments extends readonly unknown[], Result>(act: (...args: Arguments) => Result) =>
    (...args: Arguments): Result => {
      if (left-- <= 0) throw new Killed('killed');
      return act(...args);
    };
  return {
    open: step(realDisk.open),
    close: realDisk.close,
    write: step(realDisk.write),
    sync: step(realDisk.sync),
    syncLater: (handle) => step(realDisk.syncLater)(handle),
    truncate: step(realDisk.truncate),
    rename: step(realDisk.rename),
    remove: step(realDisk.remove),
    syncDirectory: step(realDisk.syncDirectory),
    fill: step(realDisk.fill),
    fillLater: (file, byteCount) => step(realDisk.fillLater)(file, byteCount),
  };
};

/** Appends and snapshots a counter's history; returns the last acknowledged number. */
const liveUntilKilled = async (disk: Disk): Promise<number> => {
  let acknowledged = 0;
  try {
    const state = open({ disk });
    for (const n of upTo(9)) {
      state.journal.append('counter', ['set', n]);
      await state.journal.durable();
      acknowledged = n;
      if (n % 4 === 0) await state.snapshot([['counter', ['set', n]]]);
    }
    await state.close();
  } catch (error) {
    if (!(error instanceof StateDirectoryError) && !(error instanceof Killed)) throw error;
  }
  return acknowledged;
};

it('loses no acknowledged entry at a kill between any two steps on disk', async () => {
  let killedCount = 0;
  for (let steps = 0; ; steps++) {
    fs.rmSync(directory, { recursive: true, force: true });
    fs.mkdirSync(directory);
    const acknowledged = await liveUntilKilled(mortalDisk(steps));
    if (acknowledged === 9 && fs.existsSync(path.join(directory, 'acknowledged'))) break;
    killedCount++;
    abandon();
    const state = open();
    const last = [...state.entries()].at(-1)?.[1][1] ?? 0;
    expect(last, `killed at step ${steps}`).toBeGreaterThanOrEqual(acknowledged);
    await appendEach(state, [10]);
    await state.close();
    expect((await reread()).at(-1)).toBe(10);
  }
  expect(killedCount).toBeGreaterThan(40);
});

describe('a disk that fails', () => {
  it('fails what is pending and everything after it', async () => {
    let isFull = false;
    const state = open({
      disk: {
        ...realDisk,
        write: (handle, bytes, position) => {
          if (isFull) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
          realDisk.write(handle, bytes, position);
        },
      },
    });
    await appendEach(state, [1]);
    isFull = true;
    state.journal.append('dynamodb', entry(2));
    const pending = state.journal.durable();
    await expect(pending).rejects.toMatchObject({ code: 'state_unwritable' });
    isFull = false;
    state.journal.append('dynamodb', entry(3));
    await expect(state.journal.durable()).rejects.toMatchObject({ code: 'state_unwritable' });
    await expect(state.close()).rejects.toThrow('no space left on device');
    expect(await reread()).toEqual([1]);
  });

  it('is named when the directory cannot be made', () => {
    const file = path.join(directory, 'file');
    fs.writeFileSync(file, '');
    expect(refusalOf(() => openStateDirectory(file)).code).toBe('state_unwritable');
    expect(refusalOf(() => openStateDirectory(path.join(file, 'below'))).message).toContain('--state');
  });
});

describe('the stamp', () => {
  it('keeps the members it was given beside the format', async () => {
    const state = open();
    expect(state.stamp()).toEqual({ formatVersion: 1 });
    state.writeStamp({ templateHash: 'abc' });
    await state.close();
    const again = open();
    expect(again.stamp()).toEqual({ formatVersion: 1, templateHash: 'abc' });
    await again.close();
  });

  it('refuses another format and an unreadable stamp', () => {
    fs.writeFileSync(path.join(directory, 'state.json'), '{"formatVersion":2}');
    const refusal = refusalOf(() => open());
    expect(refusal.code).toBe('state_version');
    expect(refusal.message).toContain('has format 2, this version reads format 1');
    for (const text of ['', 'null', '{}', '{"formatVersion":"1"}']) {
      fs.writeFileSync(path.join(directory, 'state.json'), text);
      expect(refusalOf(() => open()).code).toBe('state_corrupt');
    }
  });
});
