/** What may be chosen about the engine. With the defaults it answers as the reference does. */
import type { MatrixRouting } from '#contracts/market/evidence-matrix.ts';
import { noVetoes } from '#domain/market/engine/vetoes.ts';
import type { VetoPredicates } from '#domain/market/engine/vetoes.ts';

/** How the engine comes to its answer. */
export interface EngineOptions {
  /** `belief` lets embedded evidence decide; `classical` does not look at it. */
  readonly kind: 'belief' | 'classical';
  readonly predicates: VetoPredicates;
  /** What is said when there is nothing to go by: the classical opinion at full strength, or that there is no data. */
  readonly noData: 'opinion' | 'reason';
  /** How neutral evidence is interpreted; it is not looked at when this is absent. */
  readonly matrix?: MatrixRouting;
}

/** The engine of the reference. */
export const referenceEngine: EngineOptions = { kind: 'belief', predicates: noVetoes, noData: 'opinion' };
