import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  abandon,
  appendEach,
  directory,
  eachInItsDirectory,
  entry,
  lastWritten,
  numbersOf,
  open,
  refusalOf,
  reread,
  segmentFiles,
  upTo,
} from '#test/unit/local/journal/fixture.ts';

eachInItsDirectory();

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
