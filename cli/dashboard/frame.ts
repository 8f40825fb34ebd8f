/** A dashboard view model as one frame of text: pure, so that a model always looks the same. */
import * as z from 'zod';
import { paint, table } from '#cli/output.ts';

/** What a frame shows of a model. */
const Shown = z.object({
  as_of_ts_ms: z.int(),
  system: z.object({
    status: z.string(),
    components: z.array(
      z.object({ component_id: z.string(), status: z.string(), details: z.array(z.string()) }),
    ),
  }),
  symbols: z.array(
    z.object({
      symbol: z.string(),
      gate: z.object({ status: z.string() }),
      regime_effective: z.object({ regime_name: z.string(), confidence: z.number() }).nullable(),
      analysis: z.object({ status: z.string() }),
    }),
  ),
  telemetry: z.object({ staleness: z.object({ stale_reasons: z.array(z.string()) }) }),
});

/** The frame of a model under a title, without a line end; throws for what is no model. */
export const dashboardFrame = (title: string, model: unknown): string => {
  const { as_of_ts_ms: asOfMs, system, symbols, telemetry } = Shown.parse(model);
  return [
    `${paint('bold', title)} ${system.status} at ${new Date(asOfMs).toISOString()}`,
    ...telemetry.staleness.stale_reasons.map((reason) => `stale: ${reason}`),
    table(
      ['COMPONENT', 'STATUS', 'DETAILS'],
      system.components.map((part) => [part.component_id, part.status, part.details.join(', ')]),
    ),
    table(
      ['SYMBOL', 'GATE', 'REGIME', 'CONFIDENCE', 'ANALYSIS'],
      symbols.map(({ symbol, gate, regime_effective: regime, analysis: { status } }) => [
        symbol,
        gate.status,
        regime?.regime_name ?? '',
        regime?.confidence.toFixed(2) ?? '',
        status,
      ]),
    ),
  ].join('\n');
};
