/** Does what an adapter decides: opens and closes links, keeps its one timer, tells its states, passes on what is read. */
import type { RawMarketEvent } from '#contracts/market/raw-market-event.ts';
import { createdAdapter, stepAdapter } from '#domain/market/transport/adapter.ts';
import type { Adapter, AdapterCommand, AdapterEvent } from '#domain/market/transport/adapter.ts';
import type { VenueConnection } from '#domain/market/transport/binance.ts';
import { transportRemarks } from '#domain/market/transport/remarks.ts';
import type { AdapterSetting } from '#domain/market/transport/setting.ts';
import type { Remark } from '#domain/kernel/projection.ts';
import type { Taken } from '#domain/market/transport/take-frame.ts';
import type { Heard, Link, OpenLink } from '#cli/venue/link.ts';
import type { Clock, Timer } from '#local/kernel/clock.ts';

export interface AdapterRun {
  readonly connection: VenueConnection;
  readonly setting: AdapterSetting;
  readonly open: OpenLink;
  readonly clock: Clock;
  readonly tell: (remarks: readonly Remark[]) => void;
  /** Takes the events of a message, all of them; answers whether there is room for more. */
  readonly accept: (events: readonly RawMarketEvent[]) => boolean;
  /** It has failed and does nothing more. */
  readonly onFailed: (errorDetail: string) => void;
}

export interface RunningAdapter {
  readonly connection: VenueConnection;
  readonly current: () => Adapter;
  readonly step: (event: AdapterEvent) => void;
}

/** Starts an adapter. */
export const runAdapter = (run: AdapterRun): RunningAdapter => {
  const { connection, setting, clock } = run;
  let adapter = createdAdapter;
  let link: Link | undefined;
  let timer: Timer | undefined;

  const step = (event: AdapterEvent): void => {
    const next = stepAdapter(setting, adapter, { event, nowMs: clock.nowMs() });
    adapter = next.adapter;
    next.commands.forEach(perform);
  };
  const perform = (command: AdapterCommand): void => {
    switch (command.kind) {
      case 'connect':
        link = run.open(connection, heard(command.connection));
        break;
      case 'subscribe':
      case 'pause':
      case 'resume':
        link?.[command.kind]();
        break;
      case 'close':
        hush();
        link?.close();
        link = undefined;
        break;
      case 'wake':
        hush();
        timer = clock.at(command.atMs, () => step({ type: 'elapsed' }));
        break;
      case 'tell':
        run.tell(transportRemarks(connection, command.report));
        if (command.report.state === 'failed') run.onFailed(command.report.errorDetail);
        break;
      case 'count':
        run.tell([{ kind: 'metric', metric: command.metric, value: command.value }]);
        break;
    }
  };
  const hush = (): void => {
    if (timer) clock.cancel(timer);
  };
  const heard = (number: number): Heard => ({
    opened: () => step({ type: 'opened', connection: number }),
    lost: (loss) => step({ type: 'lost', connection: number, ...loss }),
    taken: (taken) => {
      // What a link tells after its end was not read: nobody would write it.
      if (adapter.connection === number && link !== undefined) take(number, taken);
    },
  });
  const take = (number: number, taken: Taken): void => {
    switch (taken.kind) {
      case 'subscribed':
        step({ type: 'subscribed', connection: number });
        break;
      case 'refused':
        step({ type: 'lost', connection: number, errorDetail: taken.errorDetail });
        break;
      case 'events':
        step({ type: 'read', connection: number });
        if (!run.accept(taken.events)) step({ type: 'full', connection: number });
    }
  };

  step({ type: 'start' });
  return { connection, current: () => adapter, step };
};
