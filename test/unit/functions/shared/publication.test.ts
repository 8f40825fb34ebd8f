import { beforeEach, describe, expect, it } from 'vitest';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import type { OutputStream } from '#domain/ports/outside.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { publish } from '#functions/shared/publication.ts';
import { counter, counterStream } from '#test/support/counter.ts';
import type { CounterCommand } from '#test/support/counter.ts';
import { adaptersOf, commandPorts, requestOf, streamedCommits, witness } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const OTHER = 'counter#local/main/two';

/** Remembers what it took; fails on the bodies it is told to. */
const remembering = () => {
  const taken: string[] = [];
  const failing = new Set<string>();
  const output: OutputStream = {
    put: (_key, bodies) => {
      for (const body of bodies) {
        if (failing.has(body)) return Promise.reject(new Error(`cannot take ${body}`));
        taken.push(body);
      }
      return Promise.resolve();
    },
  };
  return { taken, failing, output };
};

describe('publication', () => {
  let stage: LocalStage;
  let destination: ReturnType<typeof remembering>;
  beforeEach(async () => {
    stage = await localStage();
    destination = remembering();
  });

  const write = async (amounts: readonly number[], stream = counterStream): Promise<void> => {
    const box = mailbox(commandPorts(stage));
    for (const amount of amounts)
      await box.send(counter, requestOf<CounterCommand>(stream, { type: 'Add', amount }));
  };
  const run = async (commits: readonly StoredCommit[]) => {
    const telemetry = witness();
    const { ledger, cursors } = adaptersOf(stage);
    await publish(
      { ledger, cursors, output: destination.output, telemetry, nowMs: stage.clock.nowMs },
      commits,
    );
    return telemetry;
  };
  const bodies = (...amounts: readonly number[]): readonly string[] =>
    amounts.map((amount) => JSON.stringify({ amount }));

  it('delivers the outputs of a stream in the order of its commits', async () => {
    await write([1, 2, 3]);
    stage.clock.jump(stage.clock.nowMs() + 250);

    const telemetry = await run([...streamedCommits(stage)].reverse());

    expect(destination.taken).toEqual(bodies(1, 2, 3));
    expect(telemetry.counted).toEqual(
      new Map([
        ['OutputsPublished', 3],
        ['PublishLagMs', 750],
      ]),
    );
  });

  it('delivers nothing twice for a doorbell that rings again', async () => {
    await write([1, 2, 3]);
    await run(streamedCommits(stage));

    await run(streamedCommits(stage));
    await run(streamedCommits(stage).slice(0, 1));

    expect(destination.taken).toEqual(bodies(1, 2, 3));
  });

  it('makes up for doorbells that never rang, however many', async () => {
    const amounts = Array.from({ length: 120 }, (_, index) => index + 1);
    await write(amounts);

    await run(streamedCommits(stage).slice(-1));

    expect(destination.taken).toEqual(bodies(...amounts));
  });

  it('repeats only what lies between a delivery and a cursor that was not moved', async () => {
    await write([1, 2]);
    await run(streamedCommits(stage));
    await write([3]);
    stage.inject({ service: 'dynamodb', operation: 'UpdateItem', kind: 'server-error', calls: [1] });

    await expect(run(streamedCommits(stage).slice(-1))).rejects.toThrow();
    await run(streamedCommits(stage).slice(-1));

    expect(destination.taken).toEqual(bodies(1, 2, 3, 3));
  });

  it('keeps what it delivered when a later commit is not taken, and goes on there', async () => {
    await write([1, 2, 3]);
    destination.failing.add(bodies(2)[0] ?? '');

    await expect(run(streamedCommits(stage))).rejects.toThrow('cannot take');
    expect(destination.taken).toEqual(bodies(1));
    destination.failing.clear();
    await run(streamedCommits(stage).slice(-1));

    expect(destination.taken).toEqual(bodies(1, 2, 3));
  });

  it('lets a blocked stream hold up no other', async () => {
    await write([1]);
    await write([7, 8], OTHER);
    destination.failing.add(bodies(1)[0] ?? '');

    await expect(run(streamedCommits(stage))).rejects.toThrow('cannot take');

    expect(destination.taken).toEqual(bodies(7, 8));
  });

  it('publishes from the beginning again when the cursors are lost, in order', async () => {
    await write([1, 2]);
    await run(streamedCommits(stage));
    await stage.dispatcher.call('dynamodb', 'DeleteItem', {
      TableName: 'control',
      Key: { pk: { S: `cursor#publish#${counterStream}` }, sk: { S: 'cursor' } },
    });
    await write([3]);

    await run(streamedCommits(stage).slice(-1));

    expect(destination.taken).toEqual(bodies(1, 2, 1, 2, 3));
  });

  it('fails for a doorbell whose past the ledger does not have', async () => {
    await write([1]);
    const [commit] = streamedCommits(stage);

    await expect(run(commit ? [{ ...commit, sequence: 5 }] : [])).rejects.toThrow('has no event 2');
  });

  it('puts the records of one stream on Kinesis as they are', async () => {
    await write([1, 2]);
    const { ledger, cursors, output } = adaptersOf(stage);
    stage.requests();

    await publish(
      { ledger, cursors, output, telemetry: witness(), nowMs: stage.clock.nowMs },
      streamedCommits(stage),
    );

    expect(stage.requests()).toEqual({
      'kinesis.PutRecord': 2,
      'dynamodb.GetItem': 1,
      'dynamodb.UpdateItem': 1,
    });
  });
});
