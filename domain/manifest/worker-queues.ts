/** The SQS queues a workspace may have tasks sent to. */
import { workerQueuePrefix } from '#contracts/naming.ts';
import type { Stage } from '#contracts/naming.ts';
import { sha256Base32 } from '#domain/kernel/hash.ts';

const MARK_LENGTH = 10;

/**
 * What the names of a workspace's queues begin with: the stage may send to any of its worker queues, so a mark of tenant
 * and workspace keeps one from naming the queue of another.
 */
export const workerQueuesOf = (
  stage: Stage,
  { tenantId, workspaceId }: { readonly tenantId: string; readonly workspaceId: string },
): string => `${workerQueuePrefix(stage)}${sha256Base32(`${tenantId}/${workspaceId}`, MARK_LENGTH)}-`;
