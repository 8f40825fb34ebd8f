/** Where a cloud keeps its state: a directory with journal and snapshots, or memory. */
import type { CloudEngines } from '#local/boot/engines.ts';
import { TemplateStamp, checkTemplateChange } from '#local/boot/template-stamp.ts';
import { openStateDirectory } from '#local/journal/state-directory.ts';
import type { Clock, Timer } from '#local/kernel/clock.ts';
import { memoryJournal } from '#local/kernel/journal.ts';
import type { Journal } from '#local/kernel/journal.ts';

/** The durable side of a cloud. */
export interface CloudState {
  readonly journal: Journal;
  /** Rebuilds the engines; true when there was anything. */
  readonly restore: (engines: CloudEngines) => boolean;
  /** Refuses a template the state does not survive. */
  readonly checkTemplate: (stamp: TemplateStamp) => void;
  /** Remembers the template the state now belongs to. */
  readonly adoptTemplate: (stamp: TemplateStamp) => void;
  /** Shortens the journal now; nothing in memory. */
  readonly snapshot: (engines: CloudEngines) => Promise<void>;
  /** Shortens the journal whenever it has grown long. */
  readonly keepShort: (engines: CloudEngines, clock: Clock) => void;
  readonly close: () => Promise<void>;
}

const SNAPSHOT_CHECK_MS = 5000;

/** Opens the directory, or memory when none is given; throws what the directory refuses. */
export const openCloudState = (stateDir: string | undefined, log: (text: string) => void): CloudState =>
  stateDir === undefined ? memoryState : directoryState(stateDir, log);

const memoryState: CloudState = {
  journal: memoryJournal,
  restore: () => false,
  checkTemplate: () => undefined,
  adoptTemplate: () => undefined,
  snapshot: () => Promise.resolve(),
  keepShort: () => undefined,
  close: () => Promise.resolve(),
};

const directoryState = (stateDir: string, log: (text: string) => void): CloudState => {
  const directory = openStateDirectory(stateDir);
  let stopKeeping: () => void = () => undefined;
  return {
    journal: directory.journal,
    restore: (engines) => {
      let entryCount = 0;
      for (const [engineName, entry] of directory.entries()) {
        engines.restore(engineName, entry);
        entryCount++;
      }
      return entryCount > 0;
    },
    checkTemplate: (stamp) => {
      const before = TemplateStamp.safeParse(directory.stamp());
      if (before.success) checkTemplateChange(before.data, stamp, stateDir);
    },
    adoptTemplate: (stamp) => directory.writeStamp({ ...stamp }),
    snapshot: (engines) => directory.snapshot(engines.snapshot()),
    keepShort: (engines, clock) => {
      let timer: Timer | undefined;
      const look = (): void => {
        timer = clock.at(clock.nowMs() + SNAPSHOT_CHECK_MS, look);
        if (directory.shouldSnapshot())
          directory
            .snapshot(engines.snapshot())
            .catch((error: unknown) => log(`snapshot failed: ${String(error)}`));
      };
      look();
      stopKeeping = () => timer && clock.cancel(timer);
    },
    close: async () => {
      stopKeeping();
      await directory.close();
    },
  };
};
