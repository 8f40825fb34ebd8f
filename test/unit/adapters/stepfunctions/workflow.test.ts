import { describe, expect, it } from 'vitest';
import { adaptersOf } from '#test/support/ledger.ts';
import { localStage, START_MS } from '#test/support/ports.ts';

const execution = (retryAtMs = START_MS + 60_000) => ({
  machine: 'retry-task' as const,
  name: 'retry-abc-1',
  input: { retryAt: new Date(retryAtMs).toISOString() },
});

describe('executions by name', () => {
  it('count as started when one of that name runs already', async () => {
    const stage = await localStage();
    const { workflow } = adaptersOf(stage);

    expect(await workflow.start(execution())).toBe('started');
    expect(await workflow.start(execution())).toBe('started');
    expect(
      await workflow.start({ ...execution(), input: { retryAt: execution(START_MS + 1).input.retryAt } }),
    ).toBe('started');
  });

  it('count as started when only the answer was lost', async () => {
    const stage = await localStage({ fidelity: 'handler' });
    stage.inject({ service: 'states', operation: 'StartExecution', kind: 'lost-answer', calls: [1] });

    expect(await adaptersOf(stage).workflow.start(execution())).toBe('started');
  });

  it('are closed when the one of that name has ended', async () => {
    const stage = await localStage();
    const { workflow } = adaptersOf(stage);
    await workflow.start(execution());
    const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:retry-task:retry-abc-1';
    await stage.dispatcher.call('states', 'StopExecution', { executionArn });

    expect(await workflow.start(execution())).toBe('closed');
  });

  it('fail when the machine is missing', async () => {
    const stage = await localStage();
    stage.inject({ service: 'states', kind: 'server-error' });

    await expect(adaptersOf(stage).workflow.start(execution())).rejects.toThrow();
  });
});
