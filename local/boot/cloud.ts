/**
 * The local cloud: the stacks of one cloud assembly, running in this process. The template alone says what there is;
 * nothing here names a table, a queue or a function.
 */
import type { Capacity } from '#local/dispatch/capacity.ts';
import type { FaultRule } from '#local/dispatch/faults.ts';
import type { Denial } from '#local/iam/guard.ts';
import type { Policy } from '#local/iam/policy.ts';
import type { Clock } from '#local/kernel/clock.ts';
import type { Json, ServiceName } from '#local/kernel/engine.ts';
import type { HostPlugin } from '#local/lambda/function-contract.ts';
import type { ImportModule } from '#local/lambda/direct-host.ts';
import type { InvocationCounts, LambdaHost } from '#local/lambda/lambda-host.ts';
import type { Mapping, MappingCounts } from '#local/mapping/mapping.ts';
import type { OwnFunction } from '#local/lambda/own-function.ts';
import { buildCloud } from '#local/boot/build-cloud.ts';
import { isVirtual } from '#local/boot/time.ts';
import type { TimeTravel } from '#local/boot/time.ts';
import type { Fidelity, SdkHost } from '#local/sdk/sdk-host.ts';

/** How a cloud is booted. */
export interface BootOptions {
  readonly assemblyDir: string;
  /**
   * Where a copy of the assembly lies while the cloud runs, so that nobody who builds meanwhile changes its code;
   * absent, functions are read from the assembly itself.
   */
  readonly copyDir?: string;
  /** Journal and snapshots are kept here; absent, the cloud lives in memory. */
  readonly stateDir?: string;
  readonly clock: Clock;
  /** Of every random choice of engines and faults. */
  readonly seed: number;
  /** `direct` runs functions in this thread; `worker` in threads of their own, on the wall clock only. */
  readonly host: 'direct' | 'worker';
  /** Port of the HTTP API, 0 for any; absent, it only answers `request`. */
  readonly apiPort?: number;
  /** Port of the AWS wire protocols, 0 for any; absent, only clients in this process are answered. */
  readonly awsPort?: number;
  /** Kinesis throughput limits, default on. */
  readonly throttle?: boolean;
  readonly faults?: readonly FaultRule[];
  /** How the clients of functions in this process are answered, default `bytes`. */
  readonly fidelity?: Fidelity;
  /** Counts DynamoDB capacity, default off. */
  readonly isMetered?: boolean;
  /** Loads functions of the direct host from somewhere other than the bundles of the assembly. */
  readonly importModule?: ImportModule;
  /** Functions beside those of the template, for execution locations. */
  readonly ownFunctions?: readonly OwnFunction[];
  readonly log?: (text: string) => void;
}

/** A request to the HTTP API in process. */
export interface CloudRequest {
  readonly headers?: Readonly<Record<string, string>>;
  /** Text as it is, anything else as JSON. */
  readonly body?: unknown;
}

/** A whole answer of the HTTP API. */
export interface CloudResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly text: string;
  readonly json: () => unknown;
}

/** What a cloud has done since boot, or since requests were reset. */
export interface CloudCounts {
  /** Requests by `service.operation`. */
  readonly requests: Readonly<Record<string, number>>;
  /** DynamoDB capacity by table; empty unless metered. */
  readonly capacity: Readonly<Record<string, Capacity>>;
  readonly functions: Readonly<Record<string, InvocationCounts>>;
  readonly mappings: Readonly<Record<string, MappingCounts>>;
  readonly faults: number;
}

/** What roles may do, what of it they have done, and what they were refused. */
export interface CloudAccess {
  /** By name of each role that somebody works under: what its policies allow, and whether it was needed yet. */
  readonly grants: Readonly<Record<string, ReturnType<Policy['grants']>>>;
  readonly denials: readonly Denial[];
}

/** A running cloud. */
export interface Cloud extends TimeTravel {
  /** Where the HTTP API listens; undefined when it does not. */
  readonly apiUrl: string | undefined;
  /** Where AWS clients are served; undefined when they are not. */
  readonly awsUrl: string | undefined;
  readonly clock: Clock;
  /** Asks the HTTP API in process. */
  readonly request: (method: string, path: string, request?: CloudRequest) => Promise<CloudResponse>;
  /** Calls an operation the way clients of a person do: counted, faulted, durable, and never refused by a role. */
  readonly call: (service: ServiceName, operation: string, input: Json) => Promise<Json>;
  /** What AWS clients in this process take their connection from. */
  readonly plugin: HostPlugin & SdkHost;
  readonly host: LambdaHost;
  /** Physical name by stack and logical id. */
  readonly names: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Mappings by their id, `stack/logicalId`. */
  readonly mappings: ReadonlyMap<string, Mapping>;
  /** A token of the local issuer; throws when the template has no user pool. */
  readonly mintToken: (claims: Readonly<Record<string, unknown>>) => string;
  readonly counts: () => CloudCounts;
  readonly access: () => CloudAccess;
  readonly resetCounts: () => void;
  /** Writes a snapshot and drops the journal before it. */
  readonly snapshot: () => Promise<void>;
  /** Stops taking up work, waits for what is in flight, and closes state and ports. */
  readonly close: () => Promise<void>;
}

/** Boots the assembly; rejects naming what it refuses, and leaves no port or lock behind when it does. */
export const bootCloud = async (options: BootOptions): Promise<Cloud> => {
  if (options.host === 'worker' && isVirtual(options.clock))
    throw new Error('worker threads run on the wall clock: virtual time needs the direct host');
  const closers: (() => Promise<void>)[] = [];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    return await buildCloud(options, { onClose: (close) => closers.push(close), closeAll });
  } catch (error) {
    await closeAll();
    throw error;
  }
};
