/**
 * Who makes a call: the role of a running function, state machine or schedule. A call outside of them comes from a
 * person, who may do everything; the AWS endpoint takes any credentials.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

import type { Policy } from '#local/iam/policy.ts';

/** A role at work. */
export interface Principal {
  /** As AWS names it in refusals: `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`. */
  readonly arn: string;
  readonly policy: Policy;
}

const storage = new AsyncLocalStorage<Principal | undefined>();

/** Whose call this is; undefined for a person's. */
export const currentPrincipal = (): Principal | undefined => storage.getStore();

/** Runs an act under a role, or as a person, whoever has caused it. */
export const actingAs = <Value>(principal: Principal | undefined, act: () => Value): Value =>
  storage.run(principal, act);
