/** Words that requests, answers and facts of access share. */
import * as z from 'zod';
import { WorkspaceId } from '#contracts/ids.ts';

/** One workspace, or `*` for every workspace of the tenant. */
export const RoleScope = z.union([z.literal('*'), WorkspaceId]);
export type RoleScope = z.infer<typeof RoleScope>;

/** A person as the token issuer names them in `sub`: 1 to 256 characters without control characters. */
export const Subject = z
  .string()
  .regex(/^[^\u0000-\u001f\u007f]{1,256}$/, { error: 'must be 1 to 256 printable characters' });

/**
 * Which workspaces there are. `open`: every name, unless the workspace was closed. `registered`: only those that are
 * registered. Default `open`.
 */
export const WorkspacePolicy = z.enum(['open', 'registered']);
export type WorkspacePolicy = z.infer<typeof WorkspacePolicy>;

/** Milliseconds since 1970. */
export const Instant = z.int().min(0);

/** What people call a thing: 1 to 100 characters without control characters. */
export const DisplayName = z
  .string()
  .regex(/^[^\u0000-\u001f\u007f]{1,100}$/, { error: 'must be 1 to 100 printable characters' });
