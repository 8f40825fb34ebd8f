import { describe, expect, it } from 'vitest';
import { eachGroup, eachInTurn, eachMessage, SomeFailedError } from '#functions/shared/queue-batch.ts';
import { witness } from '#test/support/ledger.ts';
import { queueEvent } from '#test/support/ports-assets.ts';

const message = (id: string, group?: string) => ({
  MessageId: id,
  Body: id,
  Attributes: group === undefined ? {} : { MessageGroupId: group },
});
const records = (...messages: readonly ReturnType<typeof message>[]) =>
  queueEvent('commands.fifo', messages).Records;

describe('a batch of a queue', () => {
  it('works off groups, each in order, and fails a group as a whole', async () => {
    const telemetry = witness();
    const seen: string[][] = [];

    const answer = await eachGroup(
      records(message('1', 'a'), message('2', 'b'), message('3', 'a'), message('4', 'b')),
      telemetry,
      (group) => {
        seen.push(group.map(({ body }) => body));
        return group[0]?.body === '2' ? Promise.reject(new Error('b is broken')) : Promise.resolve();
      },
    );

    expect(seen).toEqual([
      ['1', '3'],
      ['2', '4'],
    ]);
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: '2' }, { itemIdentifier: '4' }]);
    expect(telemetry.logged).toMatchObject([
      { fields: { count: 2, errorMessage: 'b is broken', queue: 'sluice-dev-commands.fifo' } },
    ]);
  });

  it('works off single messages, whatever their group, and fails each alone', async () => {
    const answer = await eachMessage(
      records(message('1', 'a'), message('2', 'a'), message('3')),
      witness(),
      ({ body }) => (body === '2' ? Promise.reject(new Error('broken')) : Promise.resolve()),
    );

    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: '2' }]);
  });

  it('fails those messages of a group alone that its work names', async () => {
    const answer = await eachGroup(
      records(message('1', 'a'), message('2', 'a'), message('3', 'a')),
      witness(),
      (group) => Promise.reject(new SomeFailedError(group.slice(1), new Error('broken'))),
    );

    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: '2' }, { itemIdentifier: '3' }]);
  });

  it('works off messages one after the other, past those that fail', async () => {
    const steps: string[] = [];

    const answer = await eachInTurn(
      records(message('1', 'a'), message('2', 'a')),
      witness(),
      async ({ body }) => {
        steps.push(`begin ${body}`);
        await Promise.resolve();
        steps.push(`end ${body}`);
        if (body === '1') throw new Error('broken');
      },
    );

    expect(steps).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
    expect(answer.batchItemFailures).toEqual([{ itemIdentifier: '1' }]);
  });

  it('answers nothing for nothing', async () => {
    expect(await eachGroup([], witness(), () => Promise.reject(new Error('unused')))).toEqual({
      batchItemFailures: [],
    });
  });
});
