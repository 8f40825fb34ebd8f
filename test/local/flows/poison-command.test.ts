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

const stage = async () => {
  const api = apiOf(await bootTestCloud());
  await deploy(api, wideAssets(3));
  const runId = await trigger(api, Object.keys(wideAssets(3)));
  const claimed = await claim(api);
  const done = (index: number) => ({
    type: 'CompleteTask',
    taskKey: claimed[index]?.taskKey,
    report: { attempt: 1, attemptId: claimed[index]?.attemptId, workerId: 'w1', outcome: 'SUCCEEDED' },
  });
  const poison = { type: 'CompleteTask', taskKey: claimed[0]?.taskKey };
  return { api, runId, done, poison, stream: runStream({ tenantId: 'local', workspaceId: 'main', runId }) };
};

describe('a queued command that breaks an invariant', () => {
  it('holds up none of those it came with, and ends in the dead-letter queue', async () => {
    const { api, runId, done, poison, stream } = await stage();
    const before = (await runEvents(api, runId)).length;

    await send(api, stream, [done(0), poison, done(1)]);

    expect(await readRun(api, runId)).toMatchObject({ taskCounts: { succeeded: 2 } });
    expect((await runEvents(api, runId)).slice(before).map(({ type }) => type)).toEqual([
      'TaskCompleted',
      'TaskCompleted',
    ]);
    await api.cloud.advance(MINUTE_MS);
    expect(api.cloud.logged.join('\n')).toContain('"queue":"sluice-dev-commands-dead.fifo"');
    expect(api.cloud.logged.join('\n')).toContain('deciding a command broke an invariant');
  });

  it('holds up none of those that come after it, though a queue in order waits for its first', async () => {
    const { api, runId, done, poison, stream } = await stage();

    await send(api, stream, [poison]);
    await send(api, stream, [done(0)]);

    expect(await readRun(api, runId)).toMatchObject({ taskCounts: { succeeded: 1 } });
  });
});
