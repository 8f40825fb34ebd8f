/** `market connect`: from a checked configuration to a process that reads the venue, and how it ends. */
import process from 'node:process';
import { kinesisMarketStream } from '#adapters/kinesis/market-stream.ts';
import { kinesisClient } from '#adapters/sdk/kinesis-client.ts';
import { telemetry } from '#adapters/telemetry/telemetry.ts';
import { parseMarketDataConfig } from '#contracts/market/market-data-config.ts';
import { physicalName, Stage } from '#contracts/naming.ts';
import { connectionsOf } from '#domain/market/transport/binance.ts';
import type { VenueConnection } from '#domain/market/transport/binance.ts';
import type { MarketSink } from '#domain/ports/outside.ts';
import { withAws } from '#cli/aws-connection.ts';
import { CliError, exitCodes } from '#cli/cli-error.ts';
import { whileRead } from '#cli/files/answer-lines.ts';
import { steadyClock } from '#cli/venue/clock.ts';
import { connectVenue } from '#cli/venue/connect.ts';
import type { VenueEnd } from '#cli/venue/connect.ts';
import { lineSink } from '#cli/venue/line-sink.ts';
import type { OpenLink } from '#cli/venue/link.ts';
import { pollLinks } from '#cli/venue/poll-link.ts';
import { webSocketLinks } from '#cli/venue/web-socket-link.ts';

export interface MarketConnect {
  /** The `market_data` configuration as it was given. */
  readonly config: unknown;
  /** Absent for standard output. */
  readonly stage?: string;
  readonly aws?: boolean;
  readonly websocketUrl: string;
  readonly restUrl: string;
  readonly openInterestEvery: number;
  readonly summaryEvery: number;
  readonly drainWithin: number;
  /** The first adapter that fails ends all of them. */
  readonly failFast?: boolean;
  readonly stateDir: string;
  readonly signal: AbortSignal;
  /** Ends the process, though an output that nobody reads holds what was written to it. */
  readonly leave: () => void;
}

/** Runs until the signal; refuses a configuration the venue cannot serve, and tells what went wrong on the way. */
export const marketConnect = async (given: MarketConnect): Promise<void> => {
  const connections = checkedConnections(given.config);
  const stage = checkedStage(given);
  const venue = checkedVenue(given);
  const checked = { ...given, ...venue };
  goOnUnheard();
  await (stage === undefined ? toOutput(checked, connections) : toStage(checked, connections, stage));
};

/** What is read is written also when nobody hears what is told of it; the last lines are told when this has returned. */
const goOnUnheard = (): void => {
  if (!process.stderr.listeners('error').includes(ignore)) process.stderr.on('error', ignore);
};

const ignore = (): void => undefined;

const toOutput = (given: MarketConnect, connections: readonly VenueConnection[]): Promise<void> =>
  whileRead(process.stdout, async () => {
    const end = await read(given, connections, lineSink(process.stdout));
    if (end.isCutShort) given.leave();
    explain(end);
  });

const toStage = (
  given: MarketConnect,
  connections: readonly VenueConnection[],
  stage: Stage,
): Promise<void> =>
  withAws({ stateDir: given.stateDir, isAws: given.aws === true }, async (plugin) => {
    const sink = kinesisMarketStream(kinesisClient(plugin), physicalName(stage, 'market-events'));
    explain(await read(given, connections, sink));
  });

const usage = (code: string, message: string): CliError =>
  new CliError(code, message, { exitCode: exitCodes.usage });

const checkedConnections = (config: unknown): readonly VenueConnection[] => {
  const parsed = parseMarketDataConfig(config);
  const found = parsed.kind === 'valid' ? connectionsOf(parsed.config) : parsed;
  if (found.kind === 'valid') return found.connections;
  throw usage('invalid_config', `the configuration is refused: ${found.message}`);
};

/** Places of the venue without the slash that paths begin with. */
const checkedVenue = ({
  websocketUrl,
  restUrl,
}: MarketConnect): Pick<MarketConnect, 'websocketUrl' | 'restUrl'> => ({
  websocketUrl: checkedUrl('--websocket-url', websocketUrl, ['wss:', 'ws:']),
  restUrl: checkedUrl('--rest-url', restUrl, ['https:', 'http:']),
});

const checkedUrl = (option: string, text: string, protocols: readonly string[]): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && protocols.includes(url.protocol) && url.search === '' && url.hash === '')
    return text.replace(/\/+$/, '');
  throw usage(
    'usage',
    `${option} ${text} must be a URL that begins with ${protocols.join(' or ')}, without a query`,
  );
};

const checkedStage = ({ stage, aws }: MarketConnect): Stage | undefined => {
  if (stage === undefined) {
    if (aws === true) throw usage('usage', '--aws needs the stage that is meant: --stage STAGE');
    return undefined;
  }
  const parsed = Stage.safeParse(stage);
  if (parsed.success) return parsed.data;
  throw usage('usage', `--stage ${stage} must be a lower-case name of at most 12 characters`);
};

const read = (
  given: MarketConnect,
  connections: readonly VenueConnection[],
  sink: MarketSink,
): Promise<VenueEnd> => {
  const clock = steadyClock();
  const wall = { nowMs: () => Date.now() };
  const own = telemetry({
    stage: given.stage ?? 'none',
    functionName: 'market-connect',
    nowMs: wall.nowMs,
    write: (line) => void process.stderr.write(`${line}\n`),
  });
  const sockets = webSocketLinks({ url: given.websocketUrl, wall });
  const polls = pollLinks({ url: given.restUrl, everyMs: given.openInterestEvery, clock, wall });
  const open: OpenLink = (connection, heard) =>
    (connection.entry === 'rest' ? polls : sockets)(connection, heard);
  return connectVenue({
    ...{ connections, open, sink, clock, signal: given.signal, drainMs: given.drainWithin },
    endsOnFailure: given.failFast === true,
    ...{ pollEveryMs: given.openInterestEvery, summaryEveryMs: given.summaryEvery },
    tell: (remarks) => {
      for (const remark of remarks)
        if (remark.kind === 'metric') own.count(remark.metric, remark.value);
        else own.log(remark.level, remark.message, remark.fields);
    },
    flush: own.flush,
  });
};

const explain = ({ readCount, lostCount, failure, adapters, sinkFault }: VenueEnd): void => {
  if (sinkFault !== undefined && lostCount > 0)
    throw new CliError(
      'events_lost',
      `${lostCount} of ${readCount} events were read and could not be written: ${sinkFault}`,
    );
  if (failure !== undefined)
    throw new CliError(
      'adapter_failed',
      `${adapters.failedCount} of ${adapters.count} adapters failed, ${readCount} events were written: ${failure}`,
    );
};
