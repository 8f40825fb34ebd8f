import { beforeEach, describe, expect, it } from 'vitest';
import type { RecordedEvent } from '#contracts/event.ts';
import type { EventId, StreamId } from '#contracts/ids.ts';
import { releasedDays, releasedTag } from '#contracts/naming.ts';
import type { StoredCommit, DuePage } from '#domain/ports/ledger.ts';
import { dynamoLedger } from '#adapters/dynamodb/ledger.ts';
import { s3DocumentRelease } from '#adapters/s3/document-release.ts';
import { s3Client } from '#adapters/sdk/s3-client.ts';
import { adaptersOf, streamedCommits } from '#test/support/ledger.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const DAY_MS = 86_400_000;
const STREAM = 'counter#acme/prod/one' as StreamId;

const eventAt = (sequence: number, data: Record<string, unknown> = { amount: 1 }): RecordedEvent => ({
  stream: STREAM,
  sequence,
  id: String(sequence).padStart(26, '0') as EventId,
  type: 'Added',
  schemaVersion: 1,
  idempotencyKey: `add:${sequence}`,
  data,
  occurredAtMs: START_MS,
  actor: { kind: 'service', id: 'test' },
});

const commitAt = (sequence: number, over: Partial<StoredCommit> = {}): StoredCommit => ({
  stream: STREAM,
  sequence,
  events: [eventAt(sequence)],
  committedAtMs: START_MS,
  commandId: `command-${sequence}`,
  correlationId: 'test',
  ...over,
});

/** Text that compression cannot shorten. */
const noise = (bytes: number): string => {
  let state = 1;
  let text = '';
  while (text.length < bytes) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    text += String.fromCharCode(0x4e00 + ((state >>> 12) % 20_000));
  }
  return text;
};

describe('the ledger on DynamoDB', () => {
  let stage: LocalStage;
  let ledger: ReturnType<typeof adaptersOf>['ledger'];
  beforeEach(async () => {
    stage = await localStage();
    ({ ledger } = adaptersOf(stage));
  });

  it('gives back every member of a commit as it was appended', async () => {
    const commit = commitAt(1, {
      events: [
        eventAt(1),
        {
          ...eventAt(2, { text: 'é\u0000\u{1f600}', none: null, deep: [{ a: 1.5 }] }),
          schemaVersion: 3,
          actor: { kind: 'user', id: 'ops' },
          occurredAtMs: START_MS + 5,
          mustUnderstand: true,
        },
      ],
      causationId: 'cause',
      state: { foldVersion: 7, text: '{"v":2}' },
      answered: [{ commandId: 'key', requestHash: 'h', sequence: 1 }],
      due: '29459490#3',
      outputs: [{ key: 'k', destination: 'orchestrator-events', bodies: ['{"a":1}', '{"a":2}'] }],
    });

    expect(await ledger.append(commit)).toEqual({ kind: 'appended' });

    expect(await ledger.read(STREAM, 1, 10)).toEqual([commit]);
    expect((await ledger.tail(STREAM, 9)).commits).toEqual([commit]);
    expect(streamedCommits(stage)).toEqual([commit]);
  });

  it('shows the loser of a race the commit that won', async () => {
    const winner = commitAt(1, { commandId: 'winner' });
    await ledger.append(winner);

    expect(await ledger.append(commitAt(1, { commandId: 'loser' }))).toEqual({ kind: 'conflict', winner });
    expect(await ledger.read(STREAM, 1, 10)).toEqual([winner]);
  });

  it('counts its own commit as appended when only the answer was lost', async () => {
    await ledger.append(commitAt(1));

    expect(await ledger.append(commitAt(1))).toEqual({ kind: 'appended' });
    expect(streamedCommits(stage)).toHaveLength(1);
  });

  it('does not take the same command decided twice for one commit', async () => {
    await ledger.append(commitAt(1));
    const again = commitAt(1, { events: [{ ...eventAt(1), id: '9'.repeat(26) as EventId }] });

    expect(await ledger.append(again)).toMatchObject({ kind: 'conflict' });
  });

  it('wins through a lost answer, a throttle and a broken server by the retries of the SDK', async () => {
    for (const kind of ['lost-answer', 'throttle', 'server-error', 'duplicate'] as const) {
      const retrying = await localStage({ fidelity: 'handler' });
      retrying.inject({ service: 'dynamodb', operation: 'PutItem', kind, calls: [1] });

      expect(await adaptersOf(retrying).ledger.append(commitAt(1)), kind).toEqual({ kind: 'appended' });
      expect(streamedCommits(retrying), kind).toHaveLength(1);
    }
  });

  it('throws what is no lost race', async () => {
    stage.inject({ service: 'dynamodb', operation: 'PutItem', kind: 'throttle' });

    await expect(ledger.append(commitAt(1))).rejects.toMatchObject({
      name: 'ProvisionedThroughputExceededException',
    });
  });

  it('refuses a commit above 256 KB before the call, counted as stored', async () => {
    const sized = (bytes: number): StoredCommit =>
      commitAt(1, { events: [eventAt(1, { text: noise(bytes / 3) })] });
    stage.requests();

    await expect(ledger.append(sized(370_000))).rejects.toMatchObject({ code: 'commit_too_large' });
    expect(stage.requests()).toEqual({});
    expect(await ledger.append(sized(240_000))).toEqual({ kind: 'appended' });
  });

  it('takes a commit whose text is large and whose compressed form is not', async () => {
    const text = 'markets.bars '.repeat(50_000);

    expect(await ledger.append(commitAt(1, { events: [eventAt(1, { text })] }))).toEqual({
      kind: 'appended',
    });
    expect((await ledger.read(STREAM, 1, 1))[0]?.events[0]?.data).toEqual({ text });
  });

  it('reads the newest commits first and says whether older ones exist', async () => {
    for (let sequence = 1; sequence <= 5; sequence++) await ledger.append(commitAt(sequence));

    const newest = await ledger.tail(STREAM, 3);
    const older = await ledger.tail(STREAM, 9, 3);

    expect(newest.commits.map(({ sequence }) => sequence)).toEqual([5, 4, 3]);
    expect(newest.isWhole).toBe(false);
    expect(older.commits.map(({ sequence }) => sequence)).toEqual([2, 1]);
    expect(older.isWhole).toBe(true);
    expect(await ledger.tail('counter#acme/prod/none', 9)).toEqual({
      commits: [],
      states: [],
      isWhole: true,
    });
  });

  it('reads in order from a sequence on, over pages and past states kept between commits', async () => {
    for (let sequence = 1; sequence <= 6; sequence++) {
      await ledger.append(commitAt(sequence));
      await ledger.keepState(STREAM, { version: sequence, state: { foldVersion: 1, text: '{}' } });
    }

    expect((await ledger.read(STREAM, 3, 3)).map(({ sequence }) => sequence)).toEqual([3, 4, 5]);
    expect((await ledger.read(STREAM, 6, 3)).map(({ sequence }) => sequence)).toEqual([6]);
    expect(await ledger.read(STREAM, 7, 3)).toEqual([]);
  });

  it('keeps a large state between two commits, off the stream of commits, until it expires', async () => {
    await ledger.append(commitAt(1));
    const kept = { version: 1, state: { foldVersion: 2, text: 'x'.repeat(20_000) } };
    await ledger.keepState(STREAM, kept);
    await ledger.append(commitAt(2));

    expect(await ledger.tail(STREAM, 9)).toMatchObject({
      commits: [{ sequence: 2 }, { sequence: 1 }],
      states: [kept],
    });
    expect(await ledger.tail(STREAM, 9, 2)).toMatchObject({ commits: [{ sequence: 1 }], states: [kept] });
    expect(streamedCommits(stage).map(({ sequence }) => sequence)).toEqual([1, 2]);

    stage.clock.jump(START_MS + 7 * 86_400_000 + 1_000);
    expect(stage.dynamo.sweepTtl()).toBe(1);
    expect((await ledger.tail(STREAM, 9)).states).toEqual([]);
    expect(await ledger.read(STREAM, 1, 9)).toHaveLength(2);
  });

  it('never changes a state once kept', async () => {
    await ledger.keepState(STREAM, { version: 1, state: { foldVersion: 1, text: 'first' } });
    await ledger.keepState(STREAM, { version: 1, state: { foldVersion: 1, text: 'second' } });

    expect((await ledger.tail(STREAM, 9)).states).toMatchObject([{ state: { text: 'first' } }]);
  });

  it('stores a document once, beside the commits and out of their way', async () => {
    await ledger.append(commitAt(1));

    expect(await ledger.putDocument(STREAM, 'a plan')).toBe('item');
    expect(await ledger.putDocument(STREAM, 'another')).toBe('item');

    expect(await ledger.document(STREAM)).toBe('a plan');
    expect((await ledger.tail(STREAM, 9)).commits).toHaveLength(1);
    expect(await ledger.read(STREAM, 1, 9)).toHaveLength(1);
    expect(await ledger.document('chunk#none')).toBeUndefined();
  });

  it('puts a document above 64 KB into the object store and reads it through', async () => {
    const large = noise(40_000);

    expect(await ledger.putDocument('chunk#large', large)).toBe('blob');
    expect(await ledger.putDocument('chunk#large', large)).toBe('blob');
    expect(await ledger.document('chunk#large')).toBe(large);
    stage.requests();
    expect(await ledger.document('chunk#large', 'blob')).toBe(large);
    expect(stage.requests()).toEqual({ 's3.GetObject': 1 });
  });

  it('keeps what may be deleted in the object store alone, where it stands for days after its release, also when that comes twice', async () => {
    const release = s3DocumentRelease(s3Client(stage.plugin), 'blobs');
    await stage.dispatcher.call('s3', 'PutBucketLifecycleConfiguration', {
      Bucket: 'blobs',
      LifecycleConfiguration: {
        Rules: [
          {
            Status: 'Enabled',
            Filter: { Tag: { Key: releasedTag.key, Value: releasedTag.value } },
            Expiration: { Days: releasedDays },
          },
        ],
      },
    });
    const daysLater = (days: number): void => {
      stage.clock.jump(stage.clock.nowMs() + days * DAY_MS);
    };
    expect(await ledger.putDocument('chunk#a/b#1', 'small', { isDeletable: true })).toBe('blob');
    expect(await ledger.putDocument('chunk#a/b#1', 'small', { isDeletable: true })).toBe('blob');
    expect(await ledger.document('chunk#a/b#1')).toBe('small');
    const { client } = adaptersOf(stage);
    const bare = dynamoLedger({ client, table: 'ledger', nowMs: stage.clock.nowMs });
    expect(await bare.document('chunk#a/b#1')).toBeUndefined();

    await release.releaseDocument('chunk#a/b#1');
    daysLater(10);
    await release.releaseDocument('chunk#a/b#1');
    daysLater(releasedDays);
    expect(await ledger.document('chunk#a/b#1')).toBe('small');

    daysLater(1);
    expect(await ledger.document('chunk#a/b#1')).toBeUndefined();
    await release.releaseDocument('chunk#a/b#1');
    stage.inject({ service: 's3', operation: 'CopyObject', kind: 'server-error' });
    await expect(release.releaseDocument('chunk#a/b#1')).rejects.toThrow();
  });

  it('needs a bucket only for large documents', async () => {
    const { client } = adaptersOf(stage);
    const bare = dynamoLedger({ client, table: 'ledger', nowMs: stage.clock.nowMs });

    expect(await bare.putDocument('chunk#small', 'small')).toBe('item');
    expect(await bare.document('chunk#none')).toBeUndefined();
    expect(await bare.document('chunk#none', 'item')).toBeUndefined();
    await expect(bare.document('chunk#none', 'blob')).rejects.toThrow('no bucket');
    await expect(bare.putDocument('chunk#large', noise(40_000))).rejects.toThrow('no bucket');
  });

  it('finds streams by the bucket of their deadline, each once', async () => {
    const other = 'counter#acme/prod/two' as StreamId;
    await ledger.append(commitAt(1, { due: '100#1' }));
    await ledger.append(commitAt(2, { due: '100#1' }));
    await ledger.append({ ...commitAt(1, { due: '101#1' }), stream: other });
    await ledger.append(commitAt(3));

    expect(await ledger.streamsDue('100#1')).toEqual([STREAM]);
    expect(await ledger.streamsDue('101#1')).toEqual([other]);
    expect(await ledger.streamsDue('102#1')).toEqual([]);

    const due = async (dueMs: number): Promise<readonly string[]> => {
      const found: string[] = [];
      let page: DuePage = await ledger.everyStreamDue({ dueMs, limit: 1 });
      for (; page.next !== undefined;) {
        found.push(...page.streams);
        page = await ledger.everyStreamDue({ dueMs, limit: 1, after: page.next });
      }
      return [...new Set([...found, ...page.streams])].sort();
    };
    expect(await due(100 * 60_000)).toEqual([STREAM]);
    expect(await due(101 * 60_000)).toEqual([STREAM, other]);
  });

  it('scans every commit and nothing else', async () => {
    for (let sequence = 1; sequence <= 3; sequence++) await ledger.append(commitAt(sequence));
    await ledger.putDocument('chunk#a', 'a');
    await ledger.keepState(STREAM, { version: 2, state: { foldVersion: 1, text: '{}' } });

    const sequences: number[] = [];
    for await (const page of ledger.scan()) sequences.push(...page.map(({ sequence }) => sequence));

    expect(sequences.sort()).toEqual([1, 2, 3]);
  });
});
