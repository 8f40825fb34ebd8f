/** A worker that is sent its tasks: what it takes, what it leaves in the queue, and when it removes a message. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { Message } from '#cli/worker-kit/messages.ts';
import { pauseFor } from '#cli/worker-kit/pause.ts';
import {
  again,
  queueOfOne,
  sampleTask,
  sentTask,
  startWorker,
  taken,
  taskNumber,
  unwanted,
} from '#test/support/worker-server.ts';
import type { Rig, Script } from '#test/support/worker-server.ts';

afterEach(() => vi.useRealTimers());

const { workspaceId, callbackBaseUrl } = sentTask;
const mine = (n: number): DispatchEnvelope => ({ ...taskNumber(n), workspaceId, callbackBaseUrl });
const message = (task: object, receipt = 'r1'): Message => ({ body: JSON.stringify(task), receipt });

interface Given {
  readonly started?: Script;
  readonly remove?: (receipt: string) => Promise<void>;
  readonly concurrency?: number;
}

/** A queue that hands out these batches in turn, or fails as often; then it has none and waits. */
const receiving = (batches: readonly (readonly Message[] | Error)[], given: Given = {}) => {
  const removed: string[] = [];
  const asked: number[] = [];
  const rig: Rig = startWorker(given.started ? { started: given.started } : {}, {
    concurrency: given.concurrency ?? 2,
    tenant: mine(1).tenantId,
    messages: {
      receive: async (maxMessages, signal) => {
        const next = batches[asked.length];
        asked.push(maxMessages);
        if (next instanceof Error) throw next;
        if (!next) await pauseFor(20_000, signal);
        if (signal.aborted) throw new Error('was cut off');
        return next ?? [];
      },
      remove: given.remove ?? ((receipt) => Promise.resolve(void removed.push(receipt))),
    },
  });
  const end = async (): Promise<number> => {
    rig.stop.abort();
    return rig.ended();
  };
  return { rig, removed, asked, end };
};

describe('a worker of a queue', () => {
  it('starts what it is sent, removes its message, and reports its end, without a claim', async () => {
    const { rig, removed, end } = receiving([[message(mine(1))]]);
    await rig.pass(1_000);

    expect(rig.asked.map(({ kind }) => kind)).toEqual(['started', 'completed']);
    expect(rig.asked[0]?.request).toMatchObject({ token: mine(1).taskToken });
    expect(removed).toEqual(['r1']);
    expect(await end()).toBe(1_000);
    expect(rig.said.filter((line) => line.startsWith('receiving failed'))).toEqual([]);
  });

  it('takes the address of its API with or without a slash at its end', async () => {
    const rig = startWorker({}, { url: `${callbackBaseUrl}/`, messages: queueOfOne() });
    await rig.pass(1_000);
    rig.stop.abort();
    await rig.ended();

    expect(rig.asked.map(({ kind }) => kind)).toEqual(['started', 'completed']);
  });

  it('asks for as much as it is free for, ten at most', async () => {
    const two = [message(mine(1), 'r1'), message(mine(2), 'r2')];
    const unanswered: Script = () => undefined;
    const { rig, asked, end } = receiving([two], { concurrency: 15, started: unanswered });
    await rig.pass(1_000);
    expect(asked).toEqual([10, 10]);
    await end();

    const few = receiving([two], { concurrency: 3, started: unanswered });
    await few.rig.pass(1_000);
    expect(few.asked).toEqual([3, 1]);
    await few.end();
  });

  it('removes a message whose attempt is another worker’s, and does not work on it', async () => {
    const { rig, removed, end } = receiving([[message(mine(1))]], {
      started: () => unwanted('attempt_already_started'),
    });
    await rig.pass(1_000);

    expect(rig.asked.map(({ kind }) => kind)).toEqual(['started']);
    expect(removed).toEqual(['r1']);
    await end();
  });

  it('leaves a message whose start nobody answers, and removes it once it is answered', async () => {
    const { rig, removed, end } = receiving([[message(mine(1))]], {
      started: (_, count) => (count < 3 ? again : taken()),
    });
    await rig.pass(2_000);
    expect(removed).toEqual([]);
    await rig.pass(2_000);
    expect(removed).toEqual(['r1']);
    await end();
  });

  it('works once on what is delivered twice at the same time', async () => {
    const { rig, end } = receiving([[message(mine(1), 'r1'), message(mine(1), 'r2')]]);
    await rig.pass(1_000);

    expect(rig.bodies('completed')).toHaveLength(1);
    await end();
  });

  it('goes on when a message cannot be removed', async () => {
    const { rig, end } = receiving([[message(mine(1))]], { remove: () => Promise.reject(new Error('gone')) });
    await rig.pass(1_000);

    expect(rig.bodies('completed')).toHaveLength(1);
    expect(rig.said).toContain('a message was not removed: gone');
    await end();
  });

  it.each([
    ['{"a":', 'it is no JSON'],
    ['{"taskId":1}', 'it is no dispatch envelope'],
    [JSON.stringify({ ...mine(1), workspaceId: 'other' }), 'it is of the workspace other'],
    [JSON.stringify({ ...mine(1), tenantId: 'other' }), 'it is of the tenant other'],
    [
      JSON.stringify({ ...sampleTask, workspaceId: 'main', callbackBaseUrl: 'https://elsewhere.test' }),
      'its reports are to go to https://elsewhere.test',
    ],
  ])('leaves %s in its queue and sends nobody its token', async (body, why) => {
    const { rig, removed, end } = receiving([[{ body, receipt: 'r1' }]]);
    await rig.pass(1_000);

    expect([rig.asked, removed]).toEqual([[], []]);
    expect(rig.said).toEqual([`a message is left in its queue: ${why}`]);
    await end();
  });

  it('asks again after a growing pause when its queue does not answer', async () => {
    const down = new Error('down');
    const { rig, asked, end } = receiving([down, down, [], down, [message(mine(1))]]);
    await rig.pass(2_999);
    expect(asked).toHaveLength(2);
    await rig.pass(1);
    // The third time it answered: the pause after the fourth is the first again.
    expect(asked).toHaveLength(4);
    await rig.pass(1_000);
    expect(rig.bodies('completed')).toHaveLength(1);
    expect(rig.said.filter((line) => line === 'receiving failed: down')).toHaveLength(3);
    await end();
  });
});
