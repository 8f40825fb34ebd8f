/** Which queues a workspace may name. */
import { expect, it } from 'vitest';
import { workerQueuesOf } from '#domain/manifest/worker-queues.ts';

it('begins the names of queues as stage, tenant and workspace alone say, and leaves room for a name', () => {
  const prefix = workerQueuesOf('dev', { tenantId: 'local', workspaceId: 'main' });

  // Operators name queues after it: it never changes.
  expect(prefix).toBe('sluice-dev-worker-yw3l55s5hy-');
  expect(prefix).toMatch(/^[A-Za-z0-9_-]{1,40}$/);
  const others = [
    workerQueuesOf('prod', { tenantId: 'local', workspaceId: 'main' }),
    workerQueuesOf('dev', { tenantId: 'main', workspaceId: 'local' }),
    workerQueuesOf('dev', { tenantId: 'local', workspaceId: 'other' }),
  ];
  expect(new Set([prefix, ...others]).size).toBe(4);
});
