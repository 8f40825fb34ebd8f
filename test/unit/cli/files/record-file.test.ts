import {
  appendFileSync,
  fdatasyncSync,
  ftruncateSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openRecordFile } from '#cli/files/record-file.ts';
import type { Disk, RecordKind } from '#cli/files/record-file.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'records-'));
const file = path.join(folder, 'records.jsonl');
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => rmSync(file, { force: true }));

const content = () => readFileSync(file, 'utf8');
const kind = (heard: string[] = [], over: Partial<RecordKind> = {}): RecordKind => ({
  name: 'count',
  head: '{"count":',
  hear: (line) => line.startsWith('{"count":') && heard.push(line) > 0,
  ...over,
});
const count = (value: number) => `{"count":${value}}`;

/** A disk that has room for some bytes more, and then fails at what it is told to. */
const failing = (room: number, at: readonly (keyof Disk)[] = ['write']) => {
  const disk = { room, at };
  const fail = (): never => {
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  };
  const real: Disk = {
    write: (handle, bytes, offset) => {
      if (disk.at.includes('write') && disk.room <= 0) fail();
      const length = disk.at.includes('write') ? Math.min(bytes.length - offset, disk.room) : undefined;
      const written = writeSync(handle, bytes, offset, length);
      disk.room -= written;
      return written;
    },
    sync: (handle) => (disk.at.includes('sync') ? fail() : fdatasyncSync(handle)),
    truncate: (handle, size) => (disk.at.includes('truncate') ? fail() : ftruncateSync(handle, size)),
  };
  return Object.assign(disk, { disk: real });
};

describe('a record that cannot be written', () => {
  it('leaves nothing of it behind, and the next one is whole', () => {
    const full = failing(15);
    const records = openRecordFile(file, kind(), full.disk);
    records.append([count(1)]);

    expect(() => records.append([count(2), count(3)])).toThrow('ENOSPC');
    expect(content()).toBe(`${count(1)}\n`);
    full.room = Infinity;
    records.append([count(4)]);

    const heard: string[] = [];
    openRecordFile(file, kind(heard));
    expect(heard).toEqual([count(1), count(4)]);
  });

  it('is taken back when it did not get to the disk', () => {
    const broken = failing(Infinity, ['sync']);
    const records = openRecordFile(file, kind(), broken.disk);

    expect(() => records.append([count(1)])).toThrow('ENOSPC');
    expect(content()).toBe('');
  });

  it('is taken back before the next one when it could not be at once', () => {
    const broken = failing(5, ['write', 'truncate']);
    const records = openRecordFile(file, kind(), broken.disk);

    expect(() => records.append([count(1)])).toThrow('ENOSPC');
    expect(content()).toBe('{"cou');
    expect(() => records.append([count(2)])).toThrow('ENOSPC');
    broken.at = [];
    records.append([count(3)]);

    expect(content()).toBe(`${count(3)}\n`);
  });

  it('leaves the old records when they are replaced, and no file of its own', () => {
    const full = failing(12);
    const records = openRecordFile(file, kind(), full.disk);
    records.append([count(1)]);

    expect(() => records.replace([count(2)])).toThrow('ENOSPC');
    full.room = Infinity;
    records.append([count(3)]);

    expect(content()).toBe(`${count(1)}\n${count(3)}\n`);
    expect(() => readFileSync(`${file}.part`)).toThrow('ENOENT');
  });

  it('leaves nothing behind in a file that was replaced either', () => {
    const full = failing(Infinity);
    const records = openRecordFile(file, kind(), full.disk);
    writeFileSync(`${file}.part`, 'left over by a crash');
    records.replace([count(1)]);

    full.room = 4;
    expect(() => records.append([count(2)])).toThrow('ENOSPC');
    full.room = Infinity;
    records.append([count(3)]);

    expect(content()).toBe(`${count(1)}\n${count(3)}\n`);
  });
});

describe('a record file that is opened', () => {
  it.each([
    ['inside a line', '{"cou', ''],
    ['inside a line behind others', `${count(1)}\n{"cou`, `${count(1)}\n`],
    ['before the line end', `${count(1)}\n${count(2)}`, `${count(1)}\n${count(2)}\n`],
    [
      'inside a character',
      Buffer.from([...Buffer.from(`${count(1)}\n{"count":"`), 0xe2, 0x82]),
      `${count(1)}\n`,
    ],
    ['in zeros that a crash left', `${count(1)}\n\0\0\0`, `${count(1)}\n`],
    ['nowhere, and has blank lines', `${count(1)}\n\n`, `${count(1)}\n\n`],
  ])('loses only what was cut short %s', (_name, text, whole) => {
    writeFileSync(file, text);
    const heard: string[] = [];

    openRecordFile(file, kind(heard));

    expect(content()).toBe(whole);
    expect(heard).toEqual(whole.split('\n').filter((line) => line !== ''));
  });

  it('finds where its last line was cut short in a file of many parts', () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `${count(index)}\n`).join('');
    writeFileSync(file, lines);
    appendFileSync(file, '{"count":');

    openRecordFile(file, kind());

    expect(content()).toBe(lines);
  });

  it.each([
    ['another file', 'a,b\n1,2\n', 1],
    ['another file without a line end', '{"my":"config"}', 1],
    ['another file in one line cut short', 'notes', 1],
    ['a line of something else', `${count(1)}\nmine\n${count(2)}\n{"cou`, 2],
    ['a last line of something else', `${count(1)}\n{"my":1}`, 2],
  ])('is refused and left alone when it is, or has, %s', (_name, text, line) => {
    writeFileSync(file, text);

    expect(() => openRecordFile(file, kind())).toThrow(
      expect.objectContaining({
        code: 'invalid_store',
        exitCode: 2,
        message:
          `line ${line} of ${file} is no count, which begins with {"count":; nothing was written: ` +
          'name the file that this command made, or one that is not there yet',
      }),
    );
    expect(content()).toBe(text);
  });

  it.each(['/dev/null', '/dev/zero'])('is refused when it is no file that ends, as %s', (device) => {
    expect(() => openRecordFile(device, kind())).toThrow(
      expect.objectContaining({
        code: 'invalid_store',
        exitCode: 2,
        message: `${device} is no regular file; name one, or one that is to be made`,
      }),
    );
  });

  it('passes over what is no record when it is told to, unless nothing is one', () => {
    const heard: string[] = [];
    const lenient = kind(heard, { otherLines: 'passed_over' });
    writeFileSync(file, `mine\n${count(1)}\n`);
    openRecordFile(file, lenient);
    expect(heard).toEqual([count(1)]);

    writeFileSync(file, '\nmine\nyours');
    expect(() => openRecordFile(file, lenient)).toThrow(`line 2 of ${file} is no count`);
    expect(content()).toBe('\nmine\nyours');
  });

  it('is refused when it cannot be mended', () => {
    writeFileSync(file, `${count(1)}\n{"cou`);

    expect(() => openRecordFile(file, kind(), failing(0, ['truncate']).disk)).toThrow(
      expect.objectContaining({ code: 'invalid_store', message: expect.stringContaining('ENOSPC') }),
    );
  });
});
