/**
 * What a host leaves for the AWS clients of its functions, under the global symbol `sluice.aws`, so that
 * Lambda bundles run unchanged: on AWS there is nothing there. Three fidelities share one wire:
 *
 * - wire: nothing installed, an endpoint URL and real sockets (AWS CLI, other processes);
 * - handler: the whole middleware of the SDK with signing and retries, requests answered in the process;
 * - bytes: serializer and deserializer of the SDK alone. S3 stays at handler, since its middleware (bucket in the
 *   path, checksums, streams) is part of its protocol.
 */
import { createRequestHandler, type RequestHandler } from '#local/sdk/request-handler.ts';
import { installShortCircuit, type SdkClient } from '#local/sdk/short-circuit.ts';
import type { WireHandler } from '#local/wire/message.ts';

export type Fidelity = 'handler' | 'bytes';

export interface SdkHost {
  /** Configuration every client takes over. */
  readonly configuration: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
    readonly requestHandler: RequestHandler;
  };
  /** To be called with every new client before its first request. */
  readonly attach: (client: SdkClient) => void;
}

export interface SdkHostSetting {
  readonly handle: WireHandler;
  readonly fidelity: Fidelity;
  readonly region: string;
}

/** A host whose clients are answered by the handler. */
export const createSdkHost = ({ handle, fidelity, region }: SdkHostSetting): SdkHost => ({
  configuration: {
    endpoint: 'http://127.0.0.1',
    region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    requestHandler: createRequestHandler(handle),
  },
  attach: (client) => {
    if (fidelity === 'bytes') installShortCircuit(client, handle);
  },
});
