/**
 * Finds every stream of the ledger whose read models or outputs are behind, and asks for them: for an outage longer than
 * the ledger's stream remembers (docs/guide/design.md §4). It writes neither rows nor cursors; the functions do.
 */
import type { LedgerScan } from '#domain/ports/ledger.ts';
import type { Queues } from '#domain/ports/outside.ts';
import { arrearsOf, catchUpMessages } from '#functions/shared/delivery-check.ts';
import type { Arrears, DeliveryCheckPorts, Head } from '#functions/shared/delivery-check.ts';

export interface ReconcilePorts extends DeliveryCheckPorts {
  readonly ledger: LedgerScan;
  readonly queues: Queues;
  readonly pause: (waitMs: number) => Promise<void>;
}

/** What a reconciliation found, and what had not arrived when it stopped looking. */
export interface Reconciliation {
  readonly commitCount: number;
  /** Streams that were behind and did not catch up on their own. */
  readonly found: readonly Arrears[];
  readonly left: readonly Arrears[];
}

const STREAMS_AT_ONCE = 16;
const PAUSE_MS = 1_000;
/** How long what is behind may catch up by itself before it is asked for: most of it is only on its way. */
const GRACE_MS = 3_000;
/** How long it may take after it was asked for. */
const CATCH_UP_MS = 120_000;

/**
 * Looks through the whole ledger, page by page, and stays until what was behind has arrived or two minutes are over.
 * What has halted is not waited for: it waits for a person.
 */
export const reconcile = async (ports: ReconcilePorts): Promise<Reconciliation> => {
  const { commitCount, behind } = await scan(ports);
  const found = await lookAgain(ports, behind, GRACE_MS);
  for (const { arrears } of found) await ports.queues.send(catchUpMessages(arrears));
  const left = await lookAgain(ports, found, CATCH_UP_MS);
  return { commitCount, found: found.map(arrearsIn), left: left.map(arrearsIn) };
};

/** A stream that is behind, and the head it was measured by. */
interface Behind {
  readonly head: Head;
  readonly arrears: Arrears;
}

const arrearsIn = ({ arrears }: Behind): Arrears => arrears;

const scan = async (
  ports: ReconcilePorts,
): Promise<{ readonly commitCount: number; readonly behind: readonly Behind[] }> => {
  const behind = new Map<string, Behind>();
  let commitCount = 0;
  for await (const commits of ports.ledger.scan()) {
    commitCount += commits.length;
    const heads = new Map<string, Head>();
    for (const { stream, sequence, events, committedAtMs } of commits) {
      const version = sequence + events.length - 1;
      if (version > (heads.get(stream)?.version ?? 0))
        heads.set(stream, { stream, version, lastOccurredAtMs: committedAtMs });
    }
    // A stream may lie on several pages: what is behind one of them counts with the greatest version seen.
    for (const one of await examine(ports, [...heads.values()]))
      if ((behind.get(one.head.stream)?.head.version ?? 0) < one.head.version)
        behind.set(one.head.stream, one);
  }
  return { commitCount, behind: [...behind.values()] };
};

const examine = async (ports: ReconcilePorts, heads: readonly Head[]): Promise<readonly Behind[]> => {
  const behind: Behind[] = [];
  for (let start = 0; start < heads.length; start += STREAMS_AT_ONCE) {
    const part = heads.slice(start, start + STREAMS_AT_ONCE);
    const answers = await Promise.all(part.map((head) => arrearsOf(ports, head)));
    for (const [index, head] of part.entries()) {
      const arrears = answers[index];
      if (arrears) behind.push({ head, arrears });
    }
  }
  return behind;
};

const lookAgain = async (
  ports: ReconcilePorts,
  behind: readonly Behind[],
  patienceMs: number,
): Promise<readonly Behind[]> => {
  const untilMs = ports.nowMs() + patienceMs;
  let left = behind;
  while (left.some(({ arrears }) => !arrears.isHalted || arrears.areRowsBehind) && ports.nowMs() < untilMs) {
    await ports.pause(PAUSE_MS);
    left = await examine(
      ports,
      left.map(({ head }) => head),
    );
  }
  return left;
};
