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
}: Pick<Stores, 'ledger' | 'tables' | 'cursors' | 'queues' | 'pause'>): Promise<Reconciliation> =>
  reconcile({ ledger, views: tables.live, cursors, queues, pause });

const line = (verb: string, { stream, areRowsBehind, areOutputsBehind }: Arrears): string => {
  const what = [...(areRowsBehind ? ['read models'] : []), ...(areOutputsBehind ? ['outputs'] : [])];
  return `${verb.padEnd(8)}${stream}: ${what.join(' and ')}`;
};

/** The report for a person: what was behind, what still is, and the verdict. */
export const reconciliationText = ({ commitCount, found, left }: Reconciliation): string =>
  [
    ...found.map((arrears) => line('behind', arrears)),
    ...left.map((arrears) => line('still', arrears)),
    left.length === 0
      ? `everything that ${commitCount} commits say has arrived${found.length === 0 ? '' : `; ${found.length} streams were behind`}`
      : 'ask again later, and look at the dead-letter queues and at halted feeds meanwhile',
  ].join('\n');
