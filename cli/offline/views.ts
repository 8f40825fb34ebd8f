/** Rebuild and verification of a stage's read models, and their report as text. */
import type { Stores } from '#cli/offline/stores.ts';
import type { Telemetry } from '#domain/ports/outside.ts';
import { projections } from '#functions/shared/aggregates.ts';
import { awaitViews, isEqual, rebuildViews, verifyViews } from '#functions/shared/rebuild.ts';
import type { RebuildPorts } from '#functions/shared/rebuild.ts';
import type { ViewComparison } from '#functions/shared/view-comparison.ts';

/** What a rebuild or a verification found. */
export interface ViewsReport extends ViewComparison {
  readonly isEqual: boolean;
  /** Rows that were written or removed; absent when it only verified. */
  readonly repairedCount?: number;
  /** After the repair; absent when nothing was repaired. */
  readonly left?: ViewComparison;
}

type ViewStores = Pick<Stores, 'ledger' | 'tables' | 'pause' | 'nowMs'>;

/** Compares the read models with the ledger and changes nothing. */
export const verifyStage = async (stores: ViewStores): Promise<ViewsReport> => {
  const found = await verifyViews(portsOf(stores), projections);
  return { ...found, isEqual: isEqual(found) };
};

/** Makes the read models what the ledger says. */
export const rebuildStage = async (stores: ViewStores): Promise<ViewsReport> => {
  const { found, left, repairedCount } = await rebuildViews(portsOf(stores), projections);
  return { ...found, isEqual: isEqual(left), repairedCount, ...(left === found ? {} : { left }) };
};

const LOOKS_MAX = 60;

/** Waits until compaction has brought the read models up to the ledger, as after a restore. */
export const awaitStage = async (stores: ViewStores): Promise<ViewsReport> => {
  const found = await awaitViews(portsOf(stores), projections, LOOKS_MAX);
  return { ...found, isEqual: isEqual(found) };
};

/** A projection that throws marks its row in both tables alike; the live function has already counted it. */
const silent: Telemetry = { log: () => undefined, count: () => undefined };

const portsOf = ({ ledger, tables, pause, nowMs }: ViewStores): RebuildPorts => ({
  ledger,
  tables,
  pause,
  nowMs,
  telemetry: silent,
});

/** The report for a person: every difference, both digests, and the verdict. */
export const viewsText = (report: ViewsReport): string =>
  [
    ...comparisonLines(report),
    ...(report.repairedCount === undefined || report.repairedCount === 0
      ? []
      : [`repaired ${report.repairedCount} rows`]),
    ...(report.left ? comparisonLines(report.left) : []),
    verdict(report),
  ].join('\n');

const comparisonLines = ({ live, rebuilt, differences, unnamedCount }: ViewComparison): readonly string[] => [
  ...differences.map(
    ({ kind, pk, sk, members, isMoving }) =>
      `${kind.padEnd(8)}${pk} ${sk}${members.length === 0 ? '' : `: ${members.join(', ')}`}${isMoving ? ' (changing)' : ''}`,
  ),
  ...(unnamedCount === 0 ? [] : [`and ${unnamedCount} more rows`]),
  `live     ${live.digest} ${live.rowCount} rows`,
  `rebuilt  ${rebuilt.digest} ${rebuilt.rowCount} rows`,
];

const verdict = (report: ViewsReport): string => {
  if (report.isEqual) return 'the read models are what the ledger says';
  const { differences } = report.left ?? report;
  if (differences.every(({ isMoving }) => isMoving))
    return 'rows kept changing while they were compared; run it again when less is going on';
  return report.repairedCount === undefined
    ? 'the read models differ from the ledger; "sluice rebuild" repairs them'
    : 'the read models still differ from the ledger; see docs/runbooks/rebuild.md';
};
