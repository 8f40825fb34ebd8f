/** The synthesised template is the wiring: what is changed in it changes the running stack, and nothing else does. */
import { describe, expect, it } from 'vitest';

import { apiOf, bootTestCloud, inMain } from '#test/support/cloud.ts';
import { claimOne, deploy, fail, listedRun, readRun, succeed, trigger } from '#test/support/cloud-assets.ts';
import { engineRuns, putRecords, snapshotInputs, startFeed, trade } from '#test/support/cloud-market.ts';
import { rowsOf } from '#test/support/cloud-stores.ts';
import { edited, ofType } from '#test/support/edited-assembly.ts';
import type { Template } from '#test/support/edited-assembly.ts';

/** Mappings whose logical id begins so. */
const mappingsOf = (resources: Template, id: string) =>
  ofType(resources, 'AWS::Lambda::EventSourceMapping').filter(([logicalId]) => logicalId.startsWith(id));

const bootEdited = async (change: (resources: Template) => void) =>
  apiOf(await bootTestCloud({ assemblyDir: await edited(change) }));

describe('the running stack follows its template:', () => {
  it('without the mapping to the compactor nothing is listed, and the ledger goes on', async () => {
    const api = await bootEdited((resources) => {
      for (const [id] of mappingsOf(resources, 'LedgerToCompact')) Reflect.deleteProperty(resources, id);
    });
    await deploy(api, { a: [] });
    const runId = await trigger(api, ['a']);
    await succeed(api, await claimOne(api));
    await api.cloud.settle();
    expect(await readRun(api, runId)).toMatchObject({ state: 'SUCCEEDED' });
    expect(await listedRun(api, runId)).toBeUndefined();
    expect((await rowsOf(api.cloud)).size).toBe(0);
  });

  it('a disabled mapping delivers nothing', async () => {
    const api = await bootEdited((resources) => {
      for (const [, { Properties }] of mappingsOf(resources, 'LedgerToCompact'))
        Properties['Enabled'] = false;
    });
    await deploy(api, { a: [] });
    await api.cloud.settle();
    expect((await rowsOf(api.cloud)).size).toBe(0);
  });

  it.each([1, 7])('a batch size of %i is what the ingest function sees', async (size) => {
    const api = await bootEdited((resources) => {
      for (const [, { Properties }] of mappingsOf(resources, 'MarketEvents')) Properties['BatchSize'] = size;
    });
    await startFeed(api);
    await putRecords(api.cloud, [
      snapshotInputs('AAA', 60_000, 1_000),
      ...Array.from({ length: 12 }, (_, index) => trade('AAA', 2_000 + index)),
      trade('AAA', 60_001),
    ]);
    await api.cloud.settle();
    const { invocations } = api.cloud.counts().functions['sluice-dev-ingest-market'] ?? { invocations: 0 };
    expect(invocations).toBe(14 / size);
    expect(await engineRuns(api)).toMatchObject([{ status: 'completed' }]);
  });

  it('a renamed queue has its new name, and work goes through it', async () => {
    const rename = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value).replaceAll('sluice-dev-engine-runs.fifo', 'other-name.fifo'));
    const api = await bootEdited((resources) => {
      for (const resource of Object.values(resources))
        resource.Properties = rename(resource.Properties) as Record<string, unknown>;
    });
    await startFeed(api);
    await putRecords(api.cloud, [snapshotInputs('AAA', 60_000, 1_000), trade('AAA', 60_001)]);
    await api.cloud.settle();
    expect(await engineRuns(api)).toMatchObject([{ status: 'completed' }]);
    const { QueueUrls } = await api.cloud.call('sqs', 'ListQueues', {});
    expect(JSON.stringify(QueueUrls)).toContain('other-name.fifo');
    expect(JSON.stringify(QueueUrls)).not.toContain('sluice-dev-engine-runs.fifo');
  });

  it('with its schedule switched off nobody sweeps', async () => {
    const api = await bootEdited((resources) => {
      for (const [, { Properties }] of ofType(resources, 'AWS::Events::Rule'))
        Properties['State'] = 'DISABLED';
    });
    await api.cloud.advance(180_000);
    expect(api.cloud.counts().functions['sluice-dev-sweeper']).toMatchObject({ invocations: 0 });
  });

  it('another definition of the machine is what a retry waits by', async () => {
    const seven = { WaitUntilRetry: { Type: 'Wait', Seconds: 7, Next: 'RetryTask' } };
    const api = await bootEdited(machineWith(seven));
    await deploy(api, { a: { execution: { retry: { baseMs: 1_000 } } } });
    await trigger(api, ['a']);
    await fail(api, await claimOne(api));
    await api.cloud.advance(6_999);
    expect(await api.must('POST', inMain('/workers/claim'), { workerId: 'w' })).toEqual({ tasks: [] });
    await api.cloud.advance(1);
    expect(await claimOne(api)).toMatchObject({ attempt: 2 });
  });
});

/** The definition, which is text or a `Fn::Join` of texts, with some states replaced. */
const withStates = (definition: unknown, states: object): unknown => {
  if (typeof definition !== 'string') throw new Error('the definition is expected to be plain text');
  const machine = JSON.parse(definition) as { readonly States: object };
  return JSON.stringify({ ...machine, States: { ...machine.States, ...states } });
};

/** Other states for the machine of retries. */
const machineWith = (states: object) => (resources: Template) => {
  for (const [, { Properties }] of ofType(resources, 'AWS::StepFunctions::StateMachine'))
    if (Properties['StateMachineName'] === 'sluice-dev-retry-task')
      Properties['DefinitionString'] = withStates(Properties['DefinitionString'], states);
};

const refusals: Readonly<Record<string, readonly [change: (resources: Template) => void, said: RegExp]>> = {
  'an unknown resource type': [
    (resources) => {
      if (mappingsOf(resources, 'LedgerToCompact').length > 0)
        resources['Thing'] = { Type: 'AWS::Magic::Thing', Properties: {} };
    },
    /Thing.*AWS::Magic::Thing|AWS::Magic::Thing.*Thing/,
  ],
  'an unknown property of a known type': [
    (resources) => {
      for (const [, { Properties }] of mappingsOf(resources, 'LedgerToCompact')) Properties['Colour'] = 'red';
    },
    /LedgerToCompact.*Colour/,
  ],
  'an ASL field that is not supported': [
    machineWith({ WaitUntilRetry: { Type: 'Wait', Seconds: 1, Next: 'RetryTask', Colour: 'red' } }),
    /WaitUntilRetry.*Colour/,
  ],
  'a JSONPath field': [
    machineWith({ WaitUntilRetry: { Type: 'Wait', SecondsPath: '$.wait', Next: 'RetryTask' } }),
    /WaitUntilRetry.*SecondsPath/,
  ],
  'a state that does not exist': [
    machineWith({ WaitUntilRetry: { Type: 'Wait', Seconds: 1, Next: 'Nowhere' } }),
    /Nowhere/,
  ],
};

describe('the cloud refuses', () => {
  it.each(Object.entries(refusals))('%s, and names it', async (_, [change, said]) => {
    const assemblyDir = await edited(change);
    await expect(bootTestCloud({ assemblyDir })).rejects.toThrow(said);
  });

  it('an operation it does not have, and names it', async () => {
    const cloud = await bootTestCloud();
    await expect(cloud.call('dynamodb', 'ExecuteStatement', {})).rejects.toThrow(
      /dynamodb\.ExecuteStatement/,
    );
    await expect(cloud.call('logs', 'PutLogEvents', {})).rejects.toThrow(/logs\.PutLogEvents/);
  });
});
