/** Reconciliation of a stage, and its report as text. */
import type { Stores } from '#cli/offline/stores.ts';
import type { Arrears } from '#functions/shared/delivery-check.ts';
import { reconcile } from '#functions/shared/reconcile.ts';
import type { Reconciliation } from '#functions/shared/reconcile.ts';

/** Has everything caught up that is behind the ledger. */
export const reconcileStage = ({
  ledger,
  tables,
  cursors,
  queues,
  pause,
  nowMs,
}: Pick<Stores, 'ledger' | 'tables' | 'cursors' | 'queues' | 'pause' | 'nowMs'>): Promise<Reconciliation> =>
  reconcile({ ledger, views: tables.live, cursors, queues, pause, nowMs });

/** Streams a report names; the rest are counted. */
const NAMED_MAX = 50;

const line = (verb: string, { stream, areRowsBehind, areOutputsBehind, isHalted }: Arrears): string => {
  const outputs = isHalted ? 'outputs (halted)' : 'outputs';
  const what = [...(areRowsBehind ? ['read models'] : []), ...(areOutputsBehind ? [outputs] : [])];
  return `${verb.padEnd(8)}${stream}: ${what.join(' and ')}`;
};

const lines = (verb: string, arrears: readonly Arrears[]): readonly string[] => [
  ...arrears.slice(0, NAMED_MAX).map((one) => line(verb, one)),
  ...(arrears.length > NAMED_MAX
    ? [`${verb.padEnd(8)}and ${arrears.length - NAMED_MAX} more; --json has them all`]
    : []),
];

const verdict = ({ commitCount, found, left }: Reconciliation): string => {
  if (left.length === 0)
    return `everything that ${commitCount} commits say has arrived${found.length === 0 ? '' : `; ${found.length} streams were behind`}`;
  const haltedCount = left.filter(({ isHalted }) => isHalted).length;
  const halted = `${haltedCount} halted ${haltedCount === 1 ? 'stream waits' : 'streams wait'} for \`sluice feed resume\``;
  return haltedCount === left.length
    ? halted
    : `ask again later, and look at the dead-letter queues meanwhile${haltedCount === 0 ? '' : `; ${halted}`}`;
};

/** The report for a person: what was behind, what still is, and the verdict. */
export const reconciliationText = (report: Reconciliation): string =>
  [...lines('behind', report.found), ...lines('still', report.left), verdict(report)].join('\n');
