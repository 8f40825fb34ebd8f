/** Whether the process lives, and whether the stores can be reached. */
import type { LedgerReader } from '#domain/ports/ledger.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import type { Operation } from '#functions/shared/http.ts';

/** Answers as long as functions run at all. */
export const getHealth: Operation = () => Promise.resolve({ status: 200, body: { status: 'ok' } });

interface Stores {
  readonly ledger: LedgerReader;
  readonly views: ViewReader;
}

const PROBE = 'ready#probe';

/** 200 when ledger and read models answer, 503 with the names of those that do not. */
export const getReady =
  ({ ledger, views }: Stores): Operation =>
  async () => {
    const probes = { ledger: ledger.tail(PROBE, 1), views: views.get({ pk: PROBE, sk: 'row' }) };
    const results = await Promise.allSettled(Object.values(probes));
    const failing = Object.keys(probes).filter((_, index) => results[index]?.status === 'rejected');
    return failing.length === 0
      ? { status: 200, body: { status: 'ready' } }
      : { status: 503, body: { status: 'not_ready', failing } };
  };
