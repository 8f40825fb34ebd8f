import type { DynamoDBRecord } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { commitsOf } from '#functions/shared/ledger-records.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { counter, counterStream } from '#test/support/counter.ts';
import type { CounterCommand } from '#test/support/counter.ts';
import { adaptersOf, commandPorts, ledgerEvent, requestOf, witness } from '#test/support/ledger.ts';
import { localStage, START_MS } from '#test/support/ports.ts';
import type { LocalStage } from '#test/support/ports.ts';

const written = async (): Promise<LocalStage> => {
  const stage = await localStage();
  const add = requestOf<CounterCommand>(counterStream, { type: 'Add', amount: 1 });
  await mailbox(commandPorts(stage)).send(counter, add);
  return stage;
};
const records = (stage: LocalStage): readonly DynamoDBRecord[] => ledgerEvent(stage).Records;
const key = { stream: { S: counterStream }, sequence: { N: '1' } };

describe('the records of the ledger stream', () => {
  it('are commits, and nothing else that lies in the table', async () => {
    const stage = await written();
    const { ledger } = adaptersOf(stage);
    await ledger.keepState(counterStream, { version: 1, state: { foldVersion: 1, text: '{}' } });
    await ledger.putDocument('chunk#a', 'a');
    const telemetry = witness();

    expect(commitsOf(records(stage), telemetry)).toEqual(await ledger.read(counterStream, 1, 9));
    expect(telemetry.counted.size).toBe(0);
  });

  it('tell of a commit that was changed or removed, and never fold it', async () => {
    const stage = await written();
    const { dispatcher } = stage;
    await dispatcher.call('dynamodb', 'UpdateItem', {
      TableName: 'ledger',
      Key: key,
      UpdateExpression: 'SET commandId = :c',
      ExpressionAttributeValues: { ':c': { S: 'forged' } },
    });
    await dispatcher.call('dynamodb', 'DeleteItem', { TableName: 'ledger', Key: key });
    const telemetry = witness();

    expect(commitsOf(records(stage), telemetry)).toHaveLength(1);
    expect(telemetry.counted.get('LedgerTampered')).toBe(2);
    expect(telemetry.logged.map(({ fields }) => fields)).toMatchObject([
      { eventType: 'MODIFY', stream: counterStream, sequence: '1' },
      { eventType: 'REMOVE' },
    ]);
  });

  it('let states go when their time to live is over', async () => {
    const stage = await written();
    const { ledger } = adaptersOf(stage);
    await ledger.keepState(counterStream, { version: 1, state: { foldVersion: 1, text: '{}' } });
    stage.clock.jump(START_MS + 8 * 86_400_000);
    stage.dynamo.sweepTtl();
    const telemetry = witness();

    const removed = records(stage).filter(({ eventName }) => eventName === 'REMOVE');
    commitsOf(removed, telemetry);

    expect(removed).toHaveLength(1);
    expect(telemetry.counted.size).toBe(0);
  });
});
