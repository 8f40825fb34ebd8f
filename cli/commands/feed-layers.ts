/** `feed gates|analysis|regimes FEED`: what the later layers make of a feed. */
import type { Command } from 'commander';
import * as z from 'zod';
import type { CommandContext } from '#cli/commands/context.ts';
import { wholeList } from '#cli/feed/layer-pages.ts';
import { table } from '#cli/output.ts';

const atMs = z.int().nullable();
const GatePage = z.object({
  gates: z.array(
    z.object({
      symbol: z.string(),
      engine_timestamp_ms: atMs,
      state_status: z.string(),
      gate_status: z.string(),
      reasons: z.array(z.string()),
      history: z.array(
        z.object({
          number: z.int(),
          engine_timestamp_ms: z.int(),
          event_type: z.string(),
          gate_status: z.string(),
          reasons: z.array(z.string()),
        }),
      ),
    }),
  ),
});
const AnalysisPage = z.object({
  analyses: z.array(
    z.object({
      symbol: z.string(),
      engine_timestamp_ms: atMs,
      status: z.string().nullable(),
      artifacts: z.array(
        z.object({
          module_id: z.string(),
          artifact_name: z.string(),
          payload: z.record(z.string(), z.unknown()),
        }),
      ),
      module_failures: z.array(z.object({ module_id: z.string(), error_detail: z.string() })),
    }),
  ),
});
const RegimePage = z.object({
  key: z.string(),
  regimes: z.array(
    z.object({
      symbol: z.string(),
      regime: z.string().nullable(),
      engine_timestamp_ms: atMs,
      flip_frequency: z.object({
        flips: z.int(),
        updates: z.int(),
        flip_rate_per_hour: z.number().nullable(),
      }),
    }),
  ),
});
type GetContext = (command: Command) => CommandContext;
interface LayerOptions {
  readonly symbol?: string;
  readonly key?: string;
}

/** What is asked for: a list, of all symbols or of one. */
interface Asked {
  readonly path: string;
  readonly query: Readonly<Record<string, string | undefined>> & { readonly symbol?: string };
}

/** Adds the commands. */
export const addFeedLayerCommands = (feed: Command, contextOf: GetContext): void => {
  const paged = (
    name: string,
    description: string,
    show: (context: CommandContext, asked: Asked) => Promise<void>,
  ) =>
    feed
      .command(`${name} <feedId>`)
      .description(description)
      .option('--symbol <symbol>', 'this symbol alone')
      .action(async (feedId: string, { symbol, key }: LayerOptions, command: Command) => {
        const query = { ...(symbol === undefined ? { limit: '50' } : { symbol }), key };
        await show(contextOf(command), { path: `{ws}/feeds/${encodeURIComponent(feedId)}/${name}`, query });
      });
  paged('gates', 'show whether one may act on what the engine said', gates);
  paged('analysis', 'show what analysis modules made of the last runs', analysis);
  paged('regimes', 'show the regimes in force and how often they change', regimes).option(
    '--key <key>',
    'truth: what the engine said; stabilized: what was selected',
    'stabilized',
  );
};

const instant = (ms: number | null): string => (ms === null ? 'none yet' : new Date(ms).toISOString());
const listed = (reasons: readonly string[]): string => reasons.join(', ');

/** All symbols are a line each; one symbol shows its history. */
const gates = async ({ client, output }: CommandContext, { path, query }: Asked): Promise<void> => {
  const answer = await wholeList(client(), path, { list: 'gates', query });
  const { gates: found } = GatePage.parse(answer);
  const [only] = query.symbol === undefined ? [] : found;
  output.result(answer, () =>
    only
      ? table(
          ['NO', 'RUN AT', 'EVENT', 'GATE', 'REASONS'],
          only.history.map((entry) => [
            String(entry.number),
            instant(entry.engine_timestamp_ms),
            entry.event_type,
            entry.gate_status,
            listed(entry.reasons),
          ]),
        )
      : table(
          ['SYMBOL', 'GATE', 'STATE', 'LAST RUN', 'REASONS'],
          found.map((gate) => [
            gate.symbol,
            gate.gate_status,
            gate.state_status,
            instant(gate.engine_timestamp_ms),
            listed(gate.reasons),
          ]),
        ),
  );
};

const analysis = async ({ client, output }: CommandContext, { path, query }: Asked): Promise<void> => {
  const answer = await wholeList(client(), path, { list: 'analyses', query });
  const { analyses } = AnalysisPage.parse(answer);
  output.result(answer, () =>
    table(
      ['SYMBOL', 'STATUS', 'MODULE', 'MADE', 'SAYS'],
      analyses.flatMap(({ symbol, status, artifacts, module_failures: failures }) => {
        const lines = [
          ...artifacts.map((made) => [made.module_id, made.artifact_name, JSON.stringify(made.payload)]),
          ...failures.map((failure) => [failure.module_id, 'failed', failure.error_detail]),
        ];
        return (lines.length > 0 ? lines : [[]]).map((line) => [symbol, status ?? 'none yet', ...line]);
      }),
    ),
  );
};

const regimes = async ({ client, output }: CommandContext, { path, query }: Asked): Promise<void> => {
  const answer = await wholeList(client(), path, { list: 'regimes', query });
  output.result(answer, () =>
    table(
      ['SYMBOL', 'REGIME', 'LAST RUN', 'RUNS', 'FLIPS', 'FLIPS PER HOUR'],
      RegimePage.parse(answer).regimes.map(
        ({ symbol, regime, engine_timestamp_ms, flip_frequency: frequency }) => [
          symbol,
          regime ?? 'none yet',
          instant(engine_timestamp_ms),
          String(frequency.updates),
          String(frequency.flips),
          frequency.flip_rate_per_hour?.toFixed(2) ?? '',
        ],
      ),
    ),
  );
};
