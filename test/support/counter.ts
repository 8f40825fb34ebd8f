import type { Aggregate, ProposedEvent } from '#domain/kernel/aggregate.ts';
import { accept, reject } from '#domain/kernel/decision.ts';

/** The smallest aggregate with everything the kernel cares about: deadlines, effects, refusals, outputs. */
export interface Counter {
  readonly total: number;
  readonly openUntilMs?: number;
  readonly isClosed: boolean;
}

export type CounterCommand =
  | { readonly type: 'Add'; readonly amount: number; readonly waitMs?: number }
  | { readonly type: 'Close' }
  | { readonly type: 'Sweep'; readonly nowMs: number };

export const counter: Aggregate<Counter, CounterCommand, ProposedEvent> = {
  kind: 'counter',
  foldVersion: 1,
  eventTypes: new Set(['Added', 'Closed']),
  initialState: () => ({ total: 0, isClosed: false }),
  decide: (command, state, { nowMs }) => {
    if (state.isClosed) return reject({ code: 'task_already_terminal', message: 'the counter is closed' });
    switch (command.type) {
      case 'Add':
        return command.amount === 0
          ? accept()
          : accept({
              type: 'Added',
              idempotencyKey: `add:${nowMs}:${state.total}`,
              data: {
                amount: command.amount,
                ...(command.waitMs === undefined ? {} : { openUntilMs: nowMs + command.waitMs }),
              },
            });
      case 'Close':
        return accept({ type: 'Closed', idempotencyKey: 'close', data: {} });
      case 'Sweep':
        return state.openUntilMs !== undefined && state.openUntilMs <= command.nowMs
          ? accept({ type: 'Closed', idempotencyKey: 'close', data: {} })
          : accept();
    }
  },
  evolve: (state, event) => {
    switch (event.type) {
      case 'Added':
        return {
          ...state,
          total: state.total + Number(event.data['amount']),
          ...(event.data['openUntilMs'] === undefined
            ? {}
            : { openUntilMs: Number(event.data['openUntilMs']) }),
        };
      case 'Closed':
        return { total: state.total, isClosed: true };
      default:
        return state;
    }
  },
  outstanding: (state) =>
    state.isClosed || state.total === 0
      ? []
      : [
          {
            kind: 'send-message',
            name: `total-${state.total}`,
            queue: 'sweep',
            body: { total: state.total },
          },
        ],
  waiting: (state) =>
    state.openUntilMs === undefined || state.isClosed
      ? []
      : [{ reason: 'open', deadlineMs: state.openUntilMs }],
  sweepCommand: (nowMs) => ({ type: 'Sweep', nowMs }),
  isTerminal: (state) => state.isClosed,
  outputs: (events) =>
    events
      .filter((event) => event.type === 'Added')
      .map((event) => ({
        key: 'k',
        destination: 'orchestrator-events',
        bodies: [JSON.stringify(event.data)],
      })),
  encodeState: (state) => JSON.stringify(state),
  decodeState: (text) => JSON.parse(text) as Counter,
};

export const counterStream = 'counter#local/main/one';
