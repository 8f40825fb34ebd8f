import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

import type { LedgerItems } from '#adapters/dynamodb/ledger-items.ts';
import { CliError } from '#cli/cli-error.ts';
import { backup } from '#cli/offline/backup.ts';
import { checkBackup } from '#cli/offline/backup-reader.ts';
import { gaplessPrefix, restore } from '#cli/offline/restore.ts';
import { testFolder } from '#test/support/folders.ts';

type Item = Parameters<LedgerItems['put']>[0];

const item = (stream: string, sequence: number, over: Item = {}): Item => ({
  stream: { S: stream },
  sequence: { N: String(sequence) },
  ...over,
});
const commit = (stream: string, sequence: number, over: Item = {}): Item =>
  item(stream, sequence, {
    count: { N: '1' },
    committedAtMs: { N: '1000' },
    events: { B: Uint8Array.from([1, 2, 250]) },
    ...over,
  });

const items = [
  item('run#a', 0, { document: { S: 'plan é' } }),
  commit('run#a', 1),
  commit('run#a', 2, { count: { N: '2' } }),
  item('run#a', 3.5, { state: { S: '{}' } }),
  commit('run#b', 1),
];
const blobs = [
  { key: 'documents/x', body: Uint8Array.from([31, 139, 0]), contentEncoding: 'gzip' },
  { key: 'plain', body: Uint8Array.from([]) },
];

/** A stage in memory that notes what is written to it. */
const stage = (held: readonly Item[] = [], bodies: typeof blobs = []) => {
  const written: { item: Item[]; blob: unknown[]; swept: number } = { item: [], blob: [], swept: 0 };
  return {
    written,
    stores: {
      stage: 'dev' as const,
      nowMs: () => 1_000,
      items: {
        scan: async function* () {
          yield held.slice(0, 2);
          yield held.slice(2);
        },
        isEmpty: async () => held.length === 0,
        put: async (one: Item) => written.item.push(one) > 0,
      },
      blobs: {
        all: async function* () {
          yield* bodies;
        },
        put: async (one: unknown) => void written.blob.push(one),
      },
      forgetSweep: async () => {
        written.swept += 1;
      },
    },
  };
};

const newFile = (): string => join(testFolder(), 'backup.gz');
/** Values with bytes as numbers, whether they are a Buffer or not. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, one: unknown) => {
      if (one instanceof Uint8Array) return [...one];
      const isBuffer = typeof one === 'object' && one !== null && 'data' in one && 'type' in one;
      return isBuffer ? one.data : one;
    }),
  );

const taken = async (): Promise<string> => {
  const file = newFile();
  await backup(stage(items, blobs).stores, file);
  return file;
};
const linesOf = (file: string): string[] =>
  gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
const rewrite = (file: string, lines: readonly string[]): string => {
  writeFileSync(file, gzipSync(`${lines.join('\n')}\n`));
  return file;
};

describe('a backup', () => {
  it('brings every item and body back as it was, streams in order, and starts a fresh sweep', async () => {
    const empty = stage();
    const report = await restore(empty.stores, await taken());
    expect(report).toEqual({
      createdAt: '1970-01-01T00:00:01.000Z',
      itemCount: 4,
      blobCount: 2,
      cutItemCount: 0,
    });
    const inOrder = (stream: string) => empty.written.item.filter((one) => one['stream']?.S === stream);
    // A state kept beside its stream is a saving that the loader makes again.
    expect(plain([...inOrder('run#a'), ...inOrder('run#b')])).toEqual(
      plain(items.filter((one) => one['sequence']?.N !== '3.5')),
    );
    expect(plain(empty.written.blob)).toEqual(plain(blobs));
    expect(empty.written.swept).toBe(1);
  });

  it('leaves out what was committed after it began and says how much', async () => {
    const later = [commit('run#a', 1), commit('run#a', 2, { committedAtMs: { N: '1001' } })];
    const file = newFile();
    const report = await backup(stage(later).stores, file);
    expect(report).toMatchObject({ itemCount: 1, laterCommitCount: 1 });
  });

  it('leaves out what follows a later commit, although another clock stamped it earlier', async () => {
    const skewed = [
      commit('run#a', 1),
      commit('run#a', 2, { committedAtMs: { N: '1001' } }),
      commit('run#a', 3),
    ];

    const report = await backup(stage(skewed).stores, newFile());

    expect(report).toMatchObject({ itemCount: 1, laterCommitCount: 2 });
  });

  it('of an empty stage is a whole file, readable by its owner only', async () => {
    const file = newFile();
    const report = await backup(stage().stores, file);
    expect(await checkBackup(file)).toMatchObject({
      header: { stage: 'dev', version: 1 },
      trailer: { itemCount: 0 },
    });
    expect(report.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('leaves no file when the ledger cannot be read to its end', async () => {
    const { stores } = stage(items);
    const file = newFile();
    const failing = {
      ...stores,
      items: {
        ...stores.items,
        scan: async function* () {
          yield items;
          throw new Error('no ledger');
        },
      },
    };
    await expect(backup(failing as never, file)).rejects.toThrow('no ledger');
    expect([existsSync(file), existsSync(`${file}.part`)]).toEqual([false, false]);
  });

  it('keeps an older file when the new one cannot be written', async () => {
    const file = await taken();
    const before = readFileSync(file);
    const odd = stage([item('run#a', 1, { tags: { SS: ['a'] } })]);
    await expect(backup(odd.stores as never, file)).rejects.toThrow(
      'attribute tags is neither text nor number',
    );
    expect(readFileSync(file)).toEqual(before);
  });

  it('names the directory that is not there', async () => {
    await expect(backup(stage(items).stores as never, '/nowhere/at/all/backup.gz')).rejects.toThrow('ENOENT');
  });
});

describe('a file that is no whole backup', () => {
  const damage: readonly (readonly [string, (file: string) => unknown, string])[] = [
    ['cut short', (file) => writeFileSync(file, readFileSync(file).subarray(0, -20)), 'cut short'],
    ['cut at a line', (file) => rewrite(file, linesOf(file).slice(0, -1)), 'ends before its trailer'],
    ['empty', (file) => rewrite(file, []), 'line 1 is no JSON'],
    ['of no bytes', (file) => writeFileSync(file, ''), 'cut short'],
    ['no gzip', (file) => writeFileSync(file, 'hello'), 'incorrect header check'],
    ['something else in gzip', (file) => rewrite(file, ['{"a":1}']), 'no header of a Sluice backup'],
    [
      'no JSON inside',
      (file) => rewrite(file, [...linesOf(file).slice(0, 2), '{"kind']),
      'line 3 is no JSON',
    ],
    ['with an odd line', (file) => rewrite(file, [...linesOf(file).slice(0, 1), '{"kind":"cat"}']), 'line 2'],
    [
      'without one of its items',
      (file) =>
        rewrite(
          file,
          linesOf(file).filter((_, index) => index !== 2),
        ),
      '3 items',
    ],
    [
      'with a changed item',
      (file) =>
        rewrite(
          file,
          linesOf(file).map((line) => line.replace('plan é', 'plan e')),
        ),
      'checksum',
    ],
    ['longer than its trailer', (file) => rewrite(file, [...linesOf(file), '{}']), 'follows the trailer'],
  ];

  it.each(damage)(
    'is refused with exit code 3 when it is %s, and nothing is written',
    async (_, spoil, reason) => {
      const file = await taken();
      spoil(file);
      const empty = stage();
      const refused = restore(empty.stores, file);
      await expect(refused).rejects.toMatchObject({ code: 'backup_damaged', exitCode: 3 });
      await expect(refused).rejects.toThrow(reason);
      expect(empty.written).toEqual({ item: [], blob: [], swept: 0 });
    },
  );

  it('is refused by name when another format version wrote it', async () => {
    const file = await taken();
    rewrite(
      file,
      linesOf(file).map((line) => line.replace('"version":1', '"version":2')),
    );
    await expect(restore(stage().stores as never, file)).rejects.toMatchObject({
      code: 'backup_version',
      exitCode: 3,
    });
  });

  it('is a mistake of the caller when it is not there', async () => {
    await expect(restore(stage().stores as never, newFile())).rejects.toMatchObject({
      code: 'not_found',
      exitCode: 2,
    });
  });
});

describe('a restore', () => {
  it('is refused by a ledger that holds something', async () => {
    const { stores, written } = stage([commit('run#z', 1)]);
    await expect(restore(stores as never, await taken())).rejects.toMatchObject({
      code: 'ledger_not_empty',
      exitCode: 3,
    });
    expect(written.blob).toEqual([]);
  });

  it('stops when somebody else wrote to a stream meanwhile', async () => {
    const { stores } = stage();
    const disturbed = {
      ...stores,
      items: { ...stores.items, put: async (one: Item) => one['sequence']?.N !== '2' },
    };
    const refused = restore(disturbed, await taken());
    await expect(refused).rejects.toBeInstanceOf(CliError);
    await expect(refused).rejects.toMatchObject({ code: 'restore_disturbed', exitCode: 3 });
  });

  it('cuts each stream at its first gap and counts what it leaves out', async () => {
    const gapped = [
      commit('run#a', 1, { count: { N: '2' } }),
      commit('run#a', 4),
      item('run#a', 4.5, { state: { S: '{}' } }),
      commit('run#b', 2),
      commit('run#c', 1),
    ];
    const file = newFile();
    await backup(stage(gapped).stores, file);
    const empty = stage();
    expect(await restore(empty.stores as never, file)).toMatchObject({ itemCount: 2, cutItemCount: 2 });
    expect(empty.written.item.map((one) => one['stream']?.S)).toEqual(['run#a', 'run#c']);
  });
});

describe('the gapless prefix', () => {
  const kept = (sequences: readonly (readonly [number, number?])[]): readonly boolean[] =>
    sequences.map(
      (
        (isKept) =>
        ([sequence, count = 1]) =>
          isKept({ stream: { S: 's' }, sequence: { N: String(sequence) }, count: { N: String(count) } })
      )(gaplessPrefix()),
    );

  it.each([
    ['commits in order', [[1], [2, 3], [5]], [true, true, true]],
    ['a repeated commit once', [[1], [1], [2]], [true, false, true]],
    ['a document before anything', [[0], [1]], [true, true]],
    ['a state of the last commit', [[1, 2], [2.5]], [true, true]],
    ['no state of a commit that is missing', [[1], [2.5]], [true, false]],
    ['nothing behind a gap', [[1], [3], [2], [3]], [true, false, true, true]],
    ['no stream that begins late', [[2], [3]], [false, false]],
  ] as const)('has %s', (_, sequences, expected) => {
    expect(kept(sequences)).toEqual(expected);
  });
});
