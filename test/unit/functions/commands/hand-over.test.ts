/** What runs and limits have each other decide, message by message. */
import { beforeEach, describe, expect, it } from 'vitest';
import { concurrency } from '#contracts/runs/limits.ts';
import type { Effect, IssueCommand } from '#domain/kernel/effect.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { loadStream } from '#functions/shared/load.ts';
import { issuedCommand, queuedCommand } from '#functions/shared/queued-command.ts';
import type { StreamId } from '#contracts/ids.ts';
import type { SendMessage } from '#domain/kernel/effect.ts';
import { limitScopeOf } from '#domain/limit/limit-stream.ts';
import { recorded } from '#test/support/decider.ts';
import { adaptersOf, requestOf } from '#test/support/ledger.ts';
import { ask, holder, ofLimit } from '#test/support/limit-fixtures.ts';
import { assetPlane, queueEvent } from '#test/support/ports-assets.ts';
import type { AssetPlane } from '#test/support/ports-assets.ts';
import { cancelRun, claim, planOf, runId, stream, succeed, triggerOf } from '#test/support/run-fixtures.ts';

const PLAN = planOf({ 'm.a': [] }, { limited: { 'm.a': ['key:warehouse'] } });

const isIssued = (effect: Effect): effect is IssueCommand => effect.kind === 'issue-command';

describe('the hand-over between a run and its limit', () => {
  let plane: AssetPlane;
  beforeEach(async () => {
    plane = await assetPlane();
  });

  const consume = (...bodies: readonly Pick<SendMessage, 'body' | 'groupId'>[]) =>
    plane.handlers.commands(
      queueEvent(
        'commands.fifo',
        bodies.map(({ body, groupId }, index) => ({
          MessageId: `${index}`,
          Body: JSON.stringify(body),
          Attributes: { MessageGroupId: groupId ?? '' },
        })),
      ),
    );
  const queued = (command: { readonly type: string }) => queuedCommand('run', requestOf(stream, command));
  const runNow = async () => (await loadStream(adaptersOf(plane.stage).ledger, runAggregate, stream)).state;
  const limitNow = async () =>
    (await loadStream(adaptersOf(plane.stage).ledger, limitAggregate, ofLimit)).state;
  const nowMs = () => plane.stage.clock.nowMs();
  /** What the run, or the limit, owes the other. */
  const words = async () => ({
    ofRun: runAggregate.outstanding(await runNow(), nowMs()).filter(isIssued),
    ofLimit: limitAggregate.outstanding(await limitNow(), nowMs()).filter(isIssued),
  });
  const deliver = async (effects: readonly IssueCommand[]) =>
    consume(...effects.map((effect) => issuedCommand(effect, 'test')));
  const typesOf = async (of: string): Promise<readonly string[]> =>
    (await adaptersOf(plane.stage).ledger.read(of, 1, 100)).flatMap(({ events }) =>
      events.map(({ type }) => type),
    );

  const granted = async (): Promise<readonly IssueCommand[]> => {
    await consume(queued(triggerOf(PLAN)));
    await deliver((await words()).ofRun);
    return (await words()).ofLimit;
  };

  it('goes from request to grant to dispatch, and back with the end of the attempt', async () => {
    const grants = await granted();
    expect(await deliver([...grants, ...grants])).toEqual({ batchItemFailures: [] });
    await consume(queued(claim('m.a')), queued(succeed('m.a')));

    const { ofRun } = await words();
    expect(ofRun).toMatchObject([{ command: { type: 'ReleaseSlot' } }]);
    await deliver(ofRun);
    await deliver(ofRun);

    expect(await words()).toEqual({ ofRun: [], ofLimit: [] });
    expect(await limitNow()).toMatchObject({ slots: [], waiters: [] });
    expect((await typesOf(stream)).filter((type) => /Slot|Dispatched|Refused/.test(type))).toEqual([
      'TaskSlotRequested',
      'TaskDispatched',
      'TaskSlotReturned',
    ]);
  });

  it('gives a slot back at once that its run refuses, and leaves no word of it in the run', async () => {
    const grants = await granted();
    await consume(queued(cancelRun()));

    expect(await deliver(grants)).toEqual({ batchItemFailures: [] });

    expect(await limitNow()).toMatchObject({ slots: [], waiters: [] });
    expect(await typesOf(ofLimit)).toContain('SlotReleased');
    expect(await typesOf(stream)).not.toContain('CommandRefused');
  });

  it('tells a run that its limit has no place for it, and leaves no word of it in the limit', async () => {
    const { waitersMax } = concurrency;
    const facts = [
      { type: 'LimitOpened', idempotencyKey: 'o', data: limitScopeOf(ofLimit) },
      { type: 'LimitCapacitySet', idempotencyKey: 'c', data: { capacity: 0, changeNo: 2 } },
      ...Array.from({ length: waitersMax }, (_, index) => ({
        type: 'SlotRequested',
        idempotencyKey: `r${index}`,
        data: { ...holder(index + 1), requestNo: index + 1, priority: 5 },
      })),
    ];
    const { ledger } = adaptersOf(plane.stage);
    for (let version = 0; version < facts.length; version += 501)
      await ledger.append({
        stream: ofLimit as StreamId,
        sequence: version + 1,
        events: recorded(facts.slice(version, version + 501), { stream: ofLimit, version, nowMs: nowMs() }),
        committedAtMs: nowMs(),
        commandId: `crowd-${version}`,
        correlationId: 'test',
      });

    await consume(queued(triggerOf(PLAN)));
    const { ofRun } = await words();
    expect(await deliver([...ofRun, ...ofRun])).toEqual({ batchItemFailures: [] });

    const refusals = (await typesOf(stream)).filter((type) => type === 'TaskSlotRefused');
    expect(refusals).toHaveLength(1);
    expect((await words()).ofRun).toEqual([]);
    expect(await typesOf(ofLimit)).not.toContain('CommandRefused');
    expect(plane.stage.lines()).toContainEqual(expect.objectContaining({ SlotsRefused: 1 }));
  });

  it('fails a message whose answer could not be given, and gives it when the message comes again', async () => {
    const grants = await granted();
    await consume(queued(cancelRun()));
    plane.stage.inject({
      service: 'dynamodb',
      operation: 'PutItem',
      resource: 'ledger',
      kind: 'server-error',
    });
    expect((await deliver(grants)).batchItemFailures).toHaveLength(1);
    expect(await limitNow()).toMatchObject({ slots: [{ runId }] });

    plane.stage.inject();
    await deliver(grants);

    expect(await limitNow()).toMatchObject({ slots: [] });
  });

  it('is looked after by the sweep of the limit, which asks the runs', async () => {
    await granted();
    const look = async (afterMs: number) => {
      plane.pass(afterMs);
      const messages = [{ Body: JSON.stringify({ stream: ofLimit }), Attributes: {} }];
      expect(await plane.handlers.sweep(queueEvent('sweep', messages))).toEqual({ batchItemFailures: [] });
    };

    await look(concurrency.firstLeaseMs);
    expect(await limitNow()).toMatchObject({ slots: [{ isTaken: false, grantNo: 2 }] });
    await deliver((await words()).ofLimit);
    await look(2 * concurrency.firstLeaseMs);
    expect(await limitNow()).toMatchObject({ slots: [{ isTaken: true }] });
    await consume(queued(cancelRun()));
    await look(concurrency.leaseMs);
    expect(await limitNow()).toMatchObject({ slots: [] });
    expect(await typesOf(ofLimit)).toContain('SlotExpired');

    await deliver((await words()).ofRun);
    expect(await words()).toEqual({ ofRun: [], ofLimit: [] });
  });

  it('counts what limits do', async () => {
    const grants = await granted();
    await deliver(grants);
    const lines = plane.stage.lines();
    for (const metric of ['SlotsRequested', 'SlotsGranted'])
      expect(lines).toContainEqual(expect.objectContaining({ [metric]: 1 }));
    const other = { runId, taskKey: 'm.z' as never, attempt: 1 };
    await consume(queuedCommand('limit', requestOf(ofLimit, ask(other))));
    expect(await limitNow()).toMatchObject({ waiters: [{ taskKey: 'm.z' }] });
  });
});
