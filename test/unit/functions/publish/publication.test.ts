import { beforeEach, describe, expect, it } from 'vitest';
import { CHECK_AFTER_MS } from '#domain/kernel/commit.ts';
import type { StoredCommit } from '#domain/ports/ledger.ts';
import type { OutputStream } from '#domain/ports/outside.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { BLOCKED_MAX_MS } from '#functions/publish/blocked-delivery.ts';
import type { DeliveryCommands, Look } from '#functions/publish/blocked-delivery.ts';
import { publish, publishStream } from '#functions/publish/publication.ts';
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

const slept: number[] = [];
const sleep = (waitMs: number): Promise<void> => {
  slept.push(waitMs);
  return Promise.resolve();
};

const told: DeliveryCommands = {
  halted: ({ stream, ...halt }) => requestOf(stream, { type: 'Halted', ...halt }, { commandId: 'halted' }),
  recovered: ({ stream, ...delivery }) =>
    requestOf(stream, { type: 'Recovered', ...delivery }, { commandId: 'recovered' }),
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
  const portsOf = (output: OutputStream = destination.output) => {
    const { ledger, cursors, queues } = adaptersOf(stage);
    const telemetry = witness();
    const { nowMs } = stage.clock;
    return { ledger, cursors, queues, output, telemetry, nowMs, sleep, commands: told };
  };
  const run = async (commits: readonly StoredCommit[]) => {
    const ports = portsOf();
    await publish(ports, commits);
    return ports.telemetry;
  };
  /** Looks at a stream because a message asks for it; the holder is the message. */
  const look = async (message: Omit<Look, 'holder'> = {}, holder = 'message') => {
    const ports = portsOf();
    await publishStream(ports, counterStream, { holder, ...message });
    return ports.telemetry;
  };
  /** The bodies a queue holds, which is empty afterwards. */
  const sent = async (queue: string): Promise<readonly unknown[]> =>
    (await stage.drain(queue)).map(({ Body }) => JSON.parse(String(Body)) as unknown);
  const pass = (ms: number): void => stage.clock.jump(stage.clock.nowMs() + ms);
  const bodies = (...amounts: readonly number[]): readonly string[] =>
    amounts.map((amount) => JSON.stringify({ amount }));

  it('delivers the outputs of a stream in the order of its commits', async () => {
    await write([1, 2, 3]);
    stage.clock.jump(stage.clock.nowMs() + 250);

    const telemetry = await run([...streamedCommits(stage)].reverse());

    expect(destination.taken).toEqual(bodies(1, 2, 3));
    expect(telemetry.counted).toEqual(
      new Map([
        ['orchestrator.publish.count', 3],
        ['orchestrator.publish.latency_ms', 750],
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

  it('tries a refused output again after the delays of the reference, and no later than the last try', async () => {
    await write([1]);
    let refusals = 2;
    const output: OutputStream = {
      put: (key, given) =>
        refusals-- > 0 ? Promise.reject(new Error('throttled')) : destination.output.put(key, given),
    };

    await publish(portsOf(output), streamedCommits(stage));

    expect(destination.taken).toEqual(bodies(1));
    expect(slept.splice(0)).toEqual([100, 200]);
    expect(await stage.drain('publications')).toEqual([]);
  });

  it.each([
    [{ minDelayMs: 10, maxDelayMs: 20, attemptsMax: 4 }, [10, 20, 20]],
    [{ minDelayMs: 5_000, maxDelayMs: 60_000, attemptsMax: 9 }, []],
    [{ minDelayMs: 4_000, maxDelayMs: 6_000, attemptsMax: 9 }, [4_000]],
    [{ minDelayMs: 10, maxDelayMs: 20, attemptsMax: 9, elapsedMaxMs: 50 }, [10, 20]],
  ])('tries again as the output itself says, %j, for ten seconds at most', async (retry, waits) => {
    await write([1]);
    destination.failing.add(bodies(1)[0] ?? '');
    const [commit] = streamedCommits(stage);
    const outputs = (commit?.outputs ?? []).map((output) => ({ ...output, retry }));

    const telemetry = await run(commit ? [{ ...commit, outputs }] : []);

    expect(slept.splice(0)).toEqual(waits);
    expect(telemetry.counted.get('PublishBlocked')).toBe(1);
  });

  describe('of a stream whose next output is not taken', () => {
    const refuse = (amount: number) => destination.failing.add(bodies(amount)[0] ?? '');

    it('keeps what it delivered, answers well, and asks for the next try', async () => {
      await write([1, 2, 3]);
      refuse(2);

      const telemetry = await run(streamedCommits(stage));

      expect(destination.taken).toEqual(bodies(1));
      expect(await sent('publications')).toEqual([]);
      pass(1_000);
      expect(await sent('publications')).toEqual([{ stream: counterStream, attempt: 1 }]);
      expect(telemetry.counted.get('PublishBlocked')).toBe(1);
    });

    it('holds up no other', async () => {
      await write([1]);
      await write([7, 8], OTHER);
      refuse(1);

      await run(streamedCommits(stage));

      expect(destination.taken).toEqual(bodies(7, 8));
    });

    it('leaves its doorbells unanswered until the try, which goes on to the head', async () => {
      await write([1, 2, 3]);
      refuse(2);
      await run(streamedCommits(stage));
      destination.failing.clear();

      await run(streamedCommits(stage).slice(-1));
      expect(destination.taken).toEqual(bodies(1));
      await look({ attempt: 1 });

      expect(destination.taken).toEqual(bodies(1, 2, 3));
      await write([4]);
      await run(streamedCommits(stage).slice(-1));
      expect(destination.taken).toEqual(bodies(1, 2, 3, 4));
    });

    it('waits longer after each try, a minute at most', async () => {
      await write([1]);
      refuse(1);
      await run(streamedCommits(stage));
      const waits: number[] = [];

      for (let attempt = 1; attempt <= 8; attempt++) {
        const sentAtMs = stage.clock.nowMs();
        while ((await sent('publications')).length === 0) pass(1_000);
        waits.push((stage.clock.nowMs() - sentAtMs) / 1_000);
        await look({ attempt }, `message-${attempt}`);
      }

      expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
    });

    it('lets one of two deliveries of a message try, and a late one change nothing', async () => {
      await write([1]);
      refuse(1);
      await run(streamedCommits(stage));
      await look({ attempt: 1 }, 'first');
      destination.failing.clear();

      await look({ attempt: 1 }, 'late');
      expect(destination.taken).toEqual([]);
      await Promise.all([look({ attempt: 2 }, 'one'), look({ attempt: 2 }, 'other')]);

      expect(destination.taken).toEqual(bodies(1));
    });

    it('lets a message that is delivered again after a crash go on', async () => {
      await write([1]);
      refuse(1);
      await run(streamedCommits(stage));
      stage.inject({ service: 'dynamodb', operation: 'Query', kind: 'server-error', calls: [1] });
      await expect(look({ attempt: 1 }, 'message')).rejects.toThrow();
      destination.failing.clear();

      await look({ attempt: 1 }, 'message');

      expect(destination.taken).toEqual(bodies(1));
    });

    it('is tried by the next doorbell when its message is lost for ten minutes', async () => {
      await write([1]);
      refuse(1);
      await run(streamedCommits(stage));
      await stage.drain('publications');
      destination.failing.clear();

      pass(601_000);
      await run(streamedCommits(stage));
      expect(destination.taken).toEqual([]);
      pass(1);
      await run(streamedCommits(stage));

      expect(destination.taken).toEqual(bodies(1));
    });

    it('is not blocked any more by a mark that nothing is owed under', async () => {
      await write([1]);
      refuse(1);
      await run(streamedCommits(stage));
      const { cursors } = portsOf();
      const { place = '' } = await cursors.read(`publish#${counterStream}`);
      await cursors.advance(`publish#${counterStream}`, 1);
      await cursors.exchangePlace(`publish#${counterStream}`, undefined, place);

      await look({ attempt: 1 });

      expect(await cursors.read(`publish#${counterStream}`)).toEqual({ position: 1 });
      await write([2]);
      destination.failing.clear();
      await run(streamedCommits(stage));
      expect(destination.taken).toEqual(bodies(2));
    });

    it('fails the batch when not even the next try can be asked for', async () => {
      await write([1]);
      refuse(1);
      stage.inject({ service: 'sqs', operation: 'SendMessageBatch', kind: 'server-error', calls: [1] });

      await expect(run(streamedCommits(stage))).rejects.toThrow();
      destination.failing.clear();
      await run(streamedCommits(stage));

      expect(destination.taken).toEqual(bodies(1));
    });

    it('starts a block of its own where the cursor has moved since', async () => {
      await write([1, 2]);
      refuse(1);
      await run(streamedCommits(stage));
      pass(BLOCKED_MAX_MS);
      destination.failing.clear();
      refuse(2);

      const telemetry = await look({ attempt: 1 });

      expect(destination.taken).toEqual(bodies(1));
      expect(telemetry.counted.get('PublishHalted')).toBeUndefined();
      expect(telemetry.counted.get('PublishBlocked')).toBe(1);
    });

    it.each([
      [BLOCKED_MAX_MS - 1, 'PublishBlocked'],
      [BLOCKED_MAX_MS, 'PublishHalted'],
    ] as const)('counts a try that fails %i ms after the first as %s', async (blockedMs, metric) => {
      await write([1]);
      refuse(1);
      await run(streamedCommits(stage));
      pass(blockedMs);

      const telemetry = await look({ attempt: 1 });

      expect([...telemetry.counted.keys()]).toEqual([metric]);
    });
  });

  describe('of a stream that halted', () => {
    let blockedSinceMs = 0;
    beforeEach(async () => {
      await write([1, 2]);
      destination.failing.add(bodies(1)[0] ?? '');
      blockedSinceMs = stage.clock.nowMs();
      await run(streamedCommits(stage));
      pass(BLOCKED_MAX_MS);
      await look({ attempt: 1 });
      await stage.drain('publications');
      destination.failing.clear();
    });

    it('tells its aggregate what was wrong and since when', async () => {
      expect(await sent('commands.fifo')).toMatchObject([
        {
          command: {
            type: 'Halted',
            blockedSinceMs,
            attempts: 2,
            errorDetail: `cannot take ${String(bodies(1)[0])}`,
          },
        },
      ]);
    });

    it('is left alone by doorbells, tries and looks, however late', async () => {
      await stage.drain('commands.fifo');
      pass(7 * 86_400_000);

      await run(streamedCommits(stage));
      expect(await sent('commands.fifo')).toEqual([]);
      await look({ attempt: 2 });
      await look({ resumedBlockMs: blockedSinceMs - 1 });

      expect(destination.taken).toEqual([]);
    });

    it('tells its aggregate again when a message finds it halted, in the same words', async () => {
      const before = await sent('commands.fifo');
      pass(CHECK_AFTER_MS);

      await look();

      expect(await sent('commands.fifo')).toEqual(before);
      expect(destination.taken).toEqual([]);
    });

    it('goes on when it is resumed, and says when it has caught up', async () => {
      await stage.drain('commands.fifo');

      await look({ resumedBlockMs: blockedSinceMs });

      expect(destination.taken).toEqual(bodies(1, 2));
      expect(await sent('commands.fifo')).toMatchObject([{ command: { type: 'Recovered', blockedSinceMs } }]);
    });

    it('says so also when only a later try succeeds, or the resumption comes again', async () => {
      destination.failing.add(bodies(1)[0] ?? '');
      await look({ resumedBlockMs: blockedSinceMs });
      await stage.drain('commands.fifo');
      destination.failing.clear();

      await look({ attempt: 1 }, 'try');
      await look({ resumedBlockMs: blockedSinceMs }, 'again');

      expect(destination.taken).toEqual(bodies(1, 2));
      expect(await sent('commands.fifo')).toMatchObject([{ command: { type: 'Recovered', blockedSinceMs } }]);
    });
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

  it('blocks a stream whose past the ledger does not have, and no other', async () => {
    await write([1]);
    await write([7], OTHER);
    const [commit, other] = streamedCommits(stage);

    const telemetry = await run(commit && other ? [{ ...commit, sequence: 5 }, other] : []);

    expect([...destination.taken].sort()).toEqual(bodies(1, 7));
    expect(telemetry.counted.get('PublishBlocked')).toBe(1);
  });

  it('stops at a gap of the ledger when it looks up to the head', async () => {
    await write([1, 2, 3]);
    await stage.dispatcher.call('dynamodb', 'DeleteItem', {
      TableName: 'ledger',
      Key: { stream: { S: counterStream }, sequence: { N: '2' } },
    });

    const telemetry = await look();

    expect(destination.taken).toEqual(bodies(1));
    expect(telemetry.counted.get('PublishBlocked')).toBe(1);
  });

  it.each(['no JSON', '{"attempt":"many"}'])('tries a stream whose mark is %s at once', async (mark) => {
    await write([1]);
    await portsOf().cursors.exchangePlace(`publish#${counterStream}`, undefined, mark);

    await run(streamedCommits(stage));

    expect(destination.taken).toEqual(bodies(1));
    expect(await portsOf().cursors.read(`publish#${counterStream}`)).toEqual({ position: 1 });
  });

  it('puts the records of one stream on Kinesis as they are', async () => {
    await write([1, 2]);
    const { output } = adaptersOf(stage);
    stage.requests();

    await publish(portsOf(output), streamedCommits(stage));

    expect(stage.requests()).toEqual({
      'kinesis.PutRecord': 2,
      'dynamodb.GetItem': 1,
      'dynamodb.UpdateItem': 1,
    });
  });
});
