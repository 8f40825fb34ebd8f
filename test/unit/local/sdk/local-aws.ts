/** The engines behind one wire, and the ways an SDK client can reach it. */
import { MessageChannel } from 'node:worker_threads';
import { createDispatcher, type Dispatcher } from '#local/dispatch/dispatcher.ts';
import { createFaults, seededChance, type FaultRule } from '#local/dispatch/faults.ts';
import { createDynamo } from '#local/dynamodb/engine.ts';
import { virtualClock } from '#local/kernel/clock.ts';
import { memoryJournal } from '#local/kernel/journal.ts';
import { createKinesis } from '#local/kinesis/engine.ts';
import { createS3 } from '#local/s3/engine.ts';
import { portTransport, servePort } from '#local/sdk/port-transport.ts';
import { createSdkHost, type SdkHost } from '#local/sdk/sdk-host.ts';
import { createSecrets } from '#local/secrets/engine.ts';
import { memoryVault } from '#local/secrets/vault.ts';
import { createSqs } from '#local/sqs/engine.ts';
import { createStepFunctions } from '#local/stepfunctions/engine.ts';
import type { WireHandler } from '#local/wire/message.ts';
import { createWire, type Wire } from '#local/wire/wire.ts';

export interface LocalAws {
  readonly dispatcher: Dispatcher;
  readonly wire: Wire;
}

const REGION = 'us-east-1';
const ACCOUNT = '000000000000';

/** All engines on a virtual clock, with the faults of the rules. */
export const createLocalAws = (rules: readonly FaultRule[] = []): LocalAws => {
  const clock = virtualClock(Date.UTC(2025, 0, 1));
  const setting = {
    clock,
    journal: memoryJournal,
    chance: seededChance(1),
    region: REGION,
    accountId: ACCOUNT,
  };
  const dynamo = createDynamo(setting);
  const dispatcher = createDispatcher({
    engines: {
      dynamodb: dynamo.tables,
      dynamodbstreams: dynamo.streams,
      kinesis: createKinesis(setting).engine,
      s3: createS3(setting),
      sqs: createSqs(setting).engine,
      states: createStepFunctions({ ...setting, runTask: () => Promise.resolve({}) }).engine,
      secretsmanager: createSecrets({ ...setting, vault: memoryVault() }),
    },
    journal: memoryJournal,
    faults: createFaults({ rules, seed: 1, clock }),
  });
  return { dispatcher, wire: createWire({ dispatcher, accountId: ACCOUNT }) };
};

export type Way = 'wire' | 'handler' | 'bytes' | 'port';

export interface Connection {
  readonly host: SdkHost;
  readonly close: () => Promise<void>;
}

/** Connects clients by the way; `tap` sees every request that does not go through a socket. */
export const connect = async (
  { wire }: LocalAws,
  way: Way,
  tap: WireHandler = wire.handle,
): Promise<Connection> => {
  switch (way) {
    case 'wire': {
      const { port, close } = await wire.listen(0);
      const { configuration } = createSdkHost({ handle: tap, fidelity: 'handler', region: REGION });
      const { requestHandler: _, ...rest } = configuration;
      const overHttp = { ...rest, endpoint: `http://127.0.0.1:${port}` };
      // A host without a request handler: the client brings its own, with sockets.
      return {
        host: { configuration: overHttp as SdkHost['configuration'], attach: () => undefined },
        close,
      };
    }
    case 'port': {
      const { port1, port2 } = new MessageChannel();
      servePort(port1, tap);
      const host = createSdkHost({ handle: portTransport(port2), fidelity: 'bytes', region: REGION });
      return { host, close: async () => port1.close() };
    }
    case 'handler':
    case 'bytes':
      return {
        host: createSdkHost({ handle: tap, fidelity: way, region: REGION }),
        close: () => Promise.resolve(),
      };
  }
};
