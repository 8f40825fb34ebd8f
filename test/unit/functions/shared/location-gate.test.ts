import { expect, it } from 'vitest';
import { manifestsAggregate } from '#domain/manifest/manifests.ts';
import { LOCATIONS_KEPT_MS, locationGate } from '#functions/shared/location-gate.ts';
import { mailbox } from '#functions/shared/mailbox.ts';
import { location } from '#test/support/function-rig.ts';
import { adaptersOf, commandPorts, requestOf } from '#test/support/ledger.ts';
import { localStage } from '#test/support/ports.ts';

const scope = { tenantId: 'acme', workspaceId: 'prod' };
const { executionLocationId } = location;

it('tells whether a location takes what is sent to it, and asks the ledger once in a while', async () => {
  const stage = await localStage();
  const set = (lifecycle: 'draining' | 'disabled' | 'archived') =>
    mailbox(commandPorts(stage)).send(
      manifestsAggregate,
      requestOf('manifests#acme/prod', { type: 'SetLocation', location: { ...location, lifecycle } }),
    );
  const isOpen = locationGate(adaptersOf(stage).ledger, stage.clock.nowMs);
  const pass = (ms: number): void => stage.clock.jump(stage.clock.nowMs() + ms);

  expect(await isOpen({ ...scope, executionLocationId })).toBe(true);
  await set('disabled');
  pass(LOCATIONS_KEPT_MS - 1);
  stage.requests();
  expect(await isOpen({ ...scope, executionLocationId })).toBe(true);
  expect(stage.requests()).toEqual({});
  pass(1);
  expect(await isOpen({ ...scope, executionLocationId })).toBe(false);
  expect(await isOpen({ ...scope, workspaceId: 'other', executionLocationId })).toBe(true);
  for (const [lifecycle, answer] of [
    ['draining', true],
    ['archived', false],
  ] as const) {
    await set(lifecycle);
    pass(LOCATIONS_KEPT_MS);
    expect(await isOpen({ ...scope, executionLocationId })).toBe(answer);
  }
});
