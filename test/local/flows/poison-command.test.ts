import { describe, expect, it } from 'vitest';

import type { RunCommand } from '#domain/run/command.ts';
import { runStream } from '#domain/run/run-stream.ts';
import { queuedCommand } from '#functions/shared/queued-command.ts';
import { apiOf, bootTestCloud } from '#test/support/cloud.ts';
import type { Api } from '#test/support/cloud.ts';
import { claim, deploy, readRun, runEvents, trigger, wideAssets } from '#test/support/cloud-assets.ts';
import { requestOf } from '#test/support/ledger.ts';

const MINUTE_MS = 60_000;

const send = async ({ cloud }: Api, stream: string, commands: readonly unknown[]): Promise<void> => {
  const messages = commands.map((command) => queuedCommand('run', requestOf(stream, command as RunCommand)));
  await cloud.call('sqs', 'SendMessageBatch', {
    QueueUrl: 'http://127.0.0.1/000000000000/sluice-dev-commands.fifo',
    Entries: messages.map(({ body, groupId, deduplicationId }, index) => ({
      Id: String(index),
      MessageBody: JSON.stringify(body),
      MessageGroupId: groupId,
      MessageDeduplicationId: deduplicationId,
    })),
  });
  await cloud.settle();
};

describe('a queued command that breaks an invariant', () => {
  it('holds up none of those it came with, and ends in the dead-letter queue', async () => {
    const api = apiOf(await bootTestCloud());
    await deploy(api, wideAssets(3));
    const runId = await trigger(api, Object.keys(wideAssets(3)));
    const [first, second] = await claim(api);
    const stream = runStream({ tenantId: 'local', workspaceId: 'main', runId });
    const done = (task: typeof first) => ({
      type: 'CompleteTask',
      taskKey: task?.taskKey,
      report: { attempt: 1, attemptId: task?.attemptId, workerId: 'w1', outcome: 'SUCCEEDED' },
    });
    const before = (await runEvents(api, runId)).length;

    await send(api, stream, [done(first), { type: 'CompleteTask', taskKey: second?.taskKey }, done(second)]);

    expect(await readRun(api, runId)).toMatchObject({ taskCounts: { succeeded: 2 } });
    expect((await runEvents(api, runId)).slice(before).map(({ type }) => type)).toEqual([
      'TaskCompleted',
      'TaskCompleted',
    ]);
    await api.cloud.advance(40 * MINUTE_MS);
    expect(api.cloud.logged.join('\n')).toContain('"queue":"sluice-dev-commands-dead.fifo"');
    expect(api.cloud.logged.join('\n')).toContain('deciding a command broke an invariant');
  });
});
