/** Every aggregate by the kind in its stream id. */
import { accessAggregate } from '#domain/access/access.ts';
import { auditProjection } from '#domain/audit/audit-projection.ts';
import { auditAggregate } from '#domain/audit/audit.ts';
import type { Aggregate, ProposedEvent } from '#domain/kernel/aggregate.ts';
import type { Projections } from '#functions/shared/compaction.ts';
import { limitAggregate } from '#domain/limit/limit-aggregate.ts';
import { limitProjection } from '#domain/limit/limit-projection.ts';
import { manifestProjection } from '#domain/manifest/manifest-projection.ts';
import { manifestsAggregate } from '#domain/manifest/manifests.ts';
import { feedAggregate } from '#domain/market/feed/feed.ts';
import { feedProjection } from '#domain/market/feed/projection.ts';
import { feedSymbolAggregate } from '#domain/market/feed-symbol/feed-symbol.ts';
import { feedSymbolProjection } from '#domain/market/feed-symbol/projection.ts';
import { runAggregate } from '#domain/run/run-aggregate.ts';
import { runProjection } from '#domain/run/run-projection.ts';
import { taskLogProjection } from '#domain/task-log/task-log-projection.ts';
import { taskLogAggregate } from '#domain/task-log/task-log.ts';

/** An aggregate whose state and commands its caller does not look into. */
export type OpaqueAggregate = Aggregate<unknown, { readonly type: string }, ProposedEvent>;

const aggregates = [
  runAggregate,
  manifestsAggregate,
  feedAggregate,
  feedSymbolAggregate,
  accessAggregate,
  auditAggregate,
  taskLogAggregate,
  limitAggregate,
] as readonly unknown[] as readonly OpaqueAggregate[];

const byKind = new Map(aggregates.map((aggregate) => [aggregate.kind, aggregate]));

/** The aggregate of a stream; throws for a kind this version does not know. */
export const aggregateOf = (stream: string): OpaqueAggregate => {
  const kind = stream.slice(0, stream.indexOf('#'));
  const aggregate = byKind.get(kind);
  if (!aggregate) throw new Error(`no aggregate has the kind ${kind}`);
  return aggregate;
};

/** Every projection by the kind of stream it reads. */
export const projections: Projections = Object.fromEntries(
  [
    runProjection,
    manifestProjection,
    feedProjection,
    feedSymbolProjection,
    auditProjection,
    taskLogProjection,
    limitProjection,
  ].map((projection) => [projection.kind, projection]),
);
