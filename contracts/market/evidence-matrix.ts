/** The evidence matrix: how neutral evidence becomes opinions about regimes (market reference, section 5.10). */
import * as z from 'zod';
import { Regime } from '#contracts/market/regime.ts';

/** Where a neutral opinion points. */
export const EvidenceDirection = z.enum(['UP', 'DOWN', 'NEUTRAL']);
export type EvidenceDirection = z.infer<typeof EvidenceDirection>;

/** A neutral opinion: it names no regime. */
export const NeutralOpinion = z.strictObject({
  type: z.string(),
  direction: EvidenceDirection,
  strength: z.number().min(0).max(1),
  confidence: z.number().min(0).max(1),
  source: z.string(),
});
export type NeutralOpinion = z.infer<typeof NeutralOpinion>;

/** The neutral opinions of one symbol at one engine timestamp. */
export const EvidenceSnapshot = z.strictObject({
  schema: z.literal('evidence_snapshot'),
  schema_version: z.literal('1'),
  symbol: z.string(),
  engine_timestamp_ms: z.int(),
  opinions: z.array(NeutralOpinion),
});
export type EvidenceSnapshot = z.infer<typeof EvidenceSnapshot>;

const share = z.number().min(0).max(1);

const weights = {
  strength_weight: share.optional(),
  confidence_weight: share.optional(),
  /** Null and absent mean no cap. */
  strength_cap: share.nullable().optional(),
  confidence_cap: share.nullable().optional(),
};

/** What an opinion's strength and confidence are multiplied by and cut at. */
export const MatrixWeights = z.strictObject(weights);
export type MatrixWeights = z.infer<typeof MatrixWeights>;

/** What neutral opinions of one source, type and direction say about one regime. */
export const MatrixCell = z.strictObject({
  source: z.string(),
  evidence_type: z.string(),
  direction: EvidenceDirection,
  regime: Regime,
  weights: MatrixWeights.optional(),
});
export type MatrixCell = z.infer<typeof MatrixCell>;

const cellKey = ({ source, evidence_type, direction, regime }: MatrixCell): string =>
  JSON.stringify([source, evidence_type, direction, regime]);

/** A matrix. A weight a cell leaves out is its source's, then the matrix's, then 1. No cell may come twice. */
export const MatrixDefinition = z
  .strictObject({
    defaults: MatrixWeights.optional(),
    source_defaults: z.record(z.string(), MatrixWeights).optional(),
    cells: z.array(MatrixCell),
  })
  .refine(({ cells }) => new Set(cells.map(cellKey)).size === cells.length, {
    error: 'a cell of the matrix comes twice',
    path: ['cells'],
  });
export type MatrixDefinition = z.infer<typeof MatrixDefinition>;

/** The matrix of the reference: nothing that the composer says moves a regime far. */
export const referenceMatrix: MatrixDefinition = {
  cells: [
    {
      source: 'composer.classical',
      evidence_type: 'REGIME_OPINION',
      direction: 'NEUTRAL',
      regime: 'CHOP_BALANCED',
    },
    {
      source: 'composer.flow',
      evidence_type: 'FLOW_PRESSURE_OPINION',
      direction: 'NEUTRAL',
      regime: 'TREND_BUILD_UP',
    },
    {
      source: 'composer.volatility',
      evidence_type: 'VOLATILITY_REGIME_OPINION',
      direction: 'NEUTRAL',
      regime: 'CHOP_BALANCED',
    },
  ],
};

/** For which symbols the matrix decides, and what happens when it cannot. */
export const MatrixRouting = z.strictObject({
  /** Only `matrix_enabled` lets it decide; the others keep the legacy evidence. */
  mode: z.enum(['legacy_only', 'dual_run', 'matrix_enabled']).default('matrix_enabled'),
  /** `shadow` takes nothing from the matrix. */
  interpreter: z.enum(['v1', 'shadow']).default('v1'),
  /** When it names symbols, it alone decides which are in. */
  symbol_allowlist: z.array(z.string()).default(['BTCUSDT']),
  /** Percentage of all symbols that are in when nothing is listed. */
  rollout_percent: z.int().min(0).max(100).default(0),
  /** Without usable neutral evidence: take the legacy evidence, or, when false, none. */
  fail_closed: z.boolean().default(true),
  /** Take the legacy evidence whenever the two would select different regimes. */
  strict_mismatch_fallback: z.boolean().default(false),
  definition: MatrixDefinition.default(referenceMatrix),
});
export type MatrixRouting = z.infer<typeof MatrixRouting>;
