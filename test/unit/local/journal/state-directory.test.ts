import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { JournalEntry } from '#local/kernel/journal.ts';
import { realDisk, type Disk } from '#local/journal/disk.ts';
import { StateDirectoryError } from '#local/journal/state-directory-error.ts';
import {
  openStateDirectory,
  type StateDirectory,
  type StateDirectoryOptions,
} from '#local/journal/state-directory.ts';

const SEGMENT_BYTES = 4096;

let directory = '';
beforeEach(() => {
  directory = fs.mkdtempSync(path.join(os.tmpdir(), 'journal-'));
});
afterEach(() => fs.rmSync(directory, { recursive: true, force: true }));

const open = (options: StateDirectoryOptions = {}): StateDirectory =>
  openStateDirectory(directory, { segmentBytes: SEGMENT_BYTES, ...options });

const entry = (n: number, size = 20): JournalEntry => ['put', n, 'x'.repeat(size)];

const numbersOf = (state: StateDirectory): unknown[] => [...state.entries()].map(([, [, n]]) => n);

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

const appendEach = async (state: StateDirectory, numbers: readonly number[], size = 20): Promise<void> => {
  for (const n of numbers) {
    state.journal.append('dynamodb', entry(n, size));
    await state.journal.durable();
  }
};

const refusalOf = (act: () => unknown): StateDirectoryError => {
  try {
    act();
  } catch (error) {
    if (error instanceof StateDirectoryError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
};

const reread = async (): Promise<unknown[]> => {
  const state = open();
  const numbers = numbersOf(state);
  await state.close();
  return numbers;
};

const segmentFiles = (): string[] => fs.readdirSync(directory).filter((name) => name.startsWith('segment-'));

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
    const state = open({ disk: { ...realDisk, sync: (handle) => (syncs++, realDisk.sync(handle)) } });
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

/** Leaves the directory as a kill would: nothing is flushed, marked or released. */
const abandon = (): void => {
  fs.rmSync(path.join(directory, 'lock'), { force: true });
};

const lastWritten = (): { readonly file: string; readonly bytes: Buffer; readonly end: number } => {
  const file = path.join(directory, segmentFiles().at(-1) ?? '');
  const bytes = fs.readFileSync(file);
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return { file, bytes, end };
};

describe('a torn tail', () => {
  it('is cut at whatever byte the last frame was broken off', async () => {
    const state = open();
    await appendEach(state, [1, 2]);
    const keep = lastWritten().end;
    await appendEach(state, [3]);
    abandon();
    const { file, bytes, end } = lastWritten();

    for (let cut = keep; cut < end; cut++) {
      for (const rest of ['gone', 'zeros']) {
        const broken = Buffer.from(bytes);
        broken.fill(0, cut);
        fs.writeFileSync(file, rest === 'gone' ? broken.subarray(0, cut) : broken);
        expect(await reread(), `${rest} from ${cut}`).toEqual([1, 2]);
        fs.rmSync(path.join(directory, 'acknowledged'));
        for (const name of segmentFiles().slice(1)) fs.rmSync(path.join(directory, name));
      }
    }
    fs.writeFileSync(file, bytes);
    expect(await reread()).toEqual([1, 2, 3]);
  });

  it('is cut when any bit of the last frame is wrong, and new entries follow the cut', async () => {
    const state = open();
    await appendEach(state, [1]);
    const keep = lastWritten().end;
    await appendEach(state, [2]);
    abandon();
    const { file, bytes, end } = lastWritten();

    for (let at = keep; at < end; at++) {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] ?? 0) ^ (1 << (at % 8));
      fs.writeFileSync(file, broken);
      const again = open();
      expect(numbersOf(again), `byte ${at}`).toEqual([1]);
      await appendEach(again, [7]);
      await again.close();
      expect(await reread()).toEqual([1, 7]);
      fs.rmSync(path.join(directory, 'acknowledged'));
      for (const name of segmentFiles().slice(1)) fs.rmSync(path.join(directory, name));
    }
  });
});

describe('corruption', () => {
  it('is an error naming file and offset for any wrong bit with an intact frame behind it', async () => {
    const state = open();
    await appendEach(state, [1]);
    const start = lastWritten().end;
    await appendEach(state, [2]);
    const end = lastWritten().end;
    await appendEach(state, [3]);
    abandon();
    const { file, bytes } = lastWritten();

    for (let at = start; at < end; at++) {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] ?? 0) ^ (1 << (at % 8));
      fs.writeFileSync(file, broken);
      const refusal = refusalOf(() => open());
      expect(refusal.code).toBe('state_corrupt');
      expect(refusal.message).toContain(`corrupt state directory: ${file} at byte ${start}`);
    }
  });

  it('is an error when the frame behind it is in a later segment', async () => {
    const state = open();
    await appendEach(state, upTo(12), 700);
    abandon();
    const file = path.join(directory, segmentFiles()[0] ?? '');
    const bytes = fs.readFileSync(file);
    const damaged = Buffer.from(bytes);
    damaged[100] = (damaged[100] ?? 0) ^ 1;
    fs.writeFileSync(file, damaged);
    expect(refusalOf(() => open()).code).toBe('state_corrupt');

    fs.writeFileSync(file, Buffer.alloc(bytes.length));
    expect(refusalOf(() => open()).message).toContain('record 1 is missing');

    fs.rmSync(file);
    expect(refusalOf(() => open()).code).toBe('state_corrupt');
  });

  it('is an error when a cleanly closed journal has lost its end', async () => {
    const state = open();
    await appendEach(state, [1, 2]);
    await state.close();
    const { file, bytes, end } = lastWritten();
    fs.writeFileSync(file, bytes.subarray(0, end - 1));
    const refusal = refusalOf(() => open());
    expect(refusal.code).toBe('state_corrupt');
    expect(refusal.message).toContain('records 2 to 2 are missing');
  });

  it('is an error in a snapshot, whichever byte is wrong', async () => {
    const state = open();
    await appendEach(state, upTo(3));
    await state.snapshot(upTo(3).map((n) => ['dynamodb', entry(n)]));
    await state.close();
    const name = fs.readdirSync(directory).find((file) => file.startsWith('snapshot-')) ?? '';
    const bytes = fs.readFileSync(path.join(directory, name));
    for (let at = 0; at < bytes.length; at++) {
      const broken = Buffer.from(bytes);
      broken[at] = (broken[at] ?? 0) ^ 4;
      fs.writeFileSync(path.join(directory, name), broken);
      expect(refusalOf(() => open()).code, `byte ${at}`).toBe('state_corrupt');
      fs.writeFileSync(path.join(directory, name), bytes.subarray(0, at));
      expect(refusalOf(() => open()).code, `cut at ${at}`).toBe('state_corrupt');
    }
    fs.writeFileSync(path.join(directory, name), bytes);
    expect(await reread()).toEqual([1, 2, 3]);
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
