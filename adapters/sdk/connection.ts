/**
 * How every AWS client of this environment is built: bounded retries and time limits, or the host's connection
 * where a host left one (the local cloud does, AWS does not). One client per service and environment; per-call
 * options are never passed, since they would rebuild the middleware that is kept.
 */

/** What a host leaves under its symbol; `configuration` overrides the client's. */
interface Host {
  readonly configuration: object;
  readonly attach: (client: object) => void;
}

const HOST = Symbol.for('sluice.aws');

/** Attempts of one request, the first included. */
const ATTEMPTS_MAX = 4;
const CONNECTION_TIMEOUT_MS = 1000;
const REQUEST_TIMEOUT_MS = 5000;

const settings = {
  maxAttempts: ATTEMPTS_MAX,
  requestHandler: {
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    throwOnRequestTimeout: true,
    // Read by the HTTP/2 handler of Kinesis: a session that slept with the environment is not used again.
    disableConcurrentStreams: true,
  },
};

/**
 * The environment's one client of a service, made at the first call. A host that runs several clouds in one thread
 * passes itself; otherwise the one left under the thread's symbol is used.
 */
export const sharedClient = <Client extends object>(
  create: (configuration: typeof settings) => Client,
): ((given?: object) => Client) => {
  const clients = new WeakMap<object, Client>();
  return (given) => {
    const host = isHost(given) ? given : hostOfThread();
    const owner = host ?? globalThis;
    const known = clients.get(owner);
    if (known) return known;
    const client = create({ ...settings, ...host?.configuration });
    host?.attach(client);
    clients.set(owner, client);
    return client;
  };
};

const hostOfThread = (): Host | undefined => {
  const host: unknown = Reflect.get(globalThis, HOST);
  return isHost(host) ? host : undefined;
};

const isHost = (value: unknown): value is Host =>
  typeof value === 'object' &&
  value !== null &&
  'configuration' in value &&
  typeof value.configuration === 'object' &&
  'attach' in value &&
  typeof value.attach === 'function';
