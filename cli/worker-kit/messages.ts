/** Tasks sent to a queue of one's own (an execution location). The kit needs no client of a queue: it is given one. */
import { DispatchEnvelope } from '#contracts/runs/claim.ts';
import type { AttemptPorts } from '#cli/worker-kit/attempt.ts';
import { pauseFor } from '#cli/worker-kit/pause.ts';
import { pauseMs } from '#cli/worker-kit/repeat.ts';
import { messageOf } from '#cli/worker-kit/request.ts';
import type { Delivery, TaskSource } from '#cli/worker-kit/source.ts';

/** A message as its queue hands it out: the envelope as JSON, and what removes it. */
export interface Message {
  readonly body: string;
  readonly receipt: string;
}

export interface MessageQueue {
  /** Up to so many messages, at least one asked for and ten; may wait for them until the signal. */
  readonly receive: (maxMessages: number, signal: AbortSignal) => Promise<readonly Message[]>;
  readonly remove: (receipt: string) => Promise<void>;
}

const MESSAGES_MAX = 10;

export interface MessageSetting {
  readonly messages: MessageQueue;
  /** Whose tasks are worked on; of any tenant when left out: a queue's name lets in those of one workspace alone. */
  readonly tenant?: string;
}

type Receiving = AttemptPorts &
  MessageSetting & {
    readonly url: string;
    readonly workspace: string;
    /** Nothing more is received from here on. */
    readonly signal: AbortSignal;
  };

/**
 * Receives; a message is removed once its start was answered, so that a worker that dies before leaves it to the next.
 * What is no task of this worker's is told and left where it is: its queue decides how often it comes again.
 */
export const messages = (setting: Receiving): TaskSource => {
  const { messages: queue, signal, onEvent, chance } = setting;
  let failures = 0;
  const take: TaskSource['take'] = async (maxTasks) => {
    try {
      const received = await queue.receive(Math.min(maxTasks, MESSAGES_MAX), signal);
      failures = 0;
      return received.flatMap((message) => deliveryOf(setting, message));
    } catch (error) {
      if (signal.aborted) return [];
      onEvent(`receiving failed: ${messageOf(error)}`);
      await pauseFor(pauseMs(++failures, chance()), signal);
      return [];
    }
  };
  return { take };
};

const deliveryOf = (setting: Receiving, { body, receipt }: Message): readonly Delivery[] => {
  const { messages: queue, onEvent } = setting;
  const read = readTask(setting, body);
  if (typeof read === 'string') {
    onEvent(`a message is left in its queue: ${read}`);
    return [];
  }
  const settle = async (): Promise<void> => {
    try {
      await queue.remove(receipt);
    } catch (error) {
      // It comes again, and hears then that its attempt has begun.
      onEvent(`a message was not removed: ${messageOf(error)}`);
    }
  };
  return [{ task: read, settle }];
};

/** The task, or why it is none of this worker's: a token must go to nobody but the API that it is configured for. */
const readTask = ({ url, workspace, tenant }: Receiving, body: string): DispatchEnvelope | string => {
  let given: unknown;
  try {
    given = JSON.parse(body);
  } catch {
    return 'it is no JSON';
  }
  const { success, data } = DispatchEnvelope.safeParse(given);
  if (!success) return 'it is no dispatch envelope';
  if (tenant !== undefined && data.tenantId !== tenant) return `it is of the tenant ${data.tenantId}`;
  if (data.workspaceId !== workspace) return `it is of the workspace ${data.workspaceId}`;
  return data.callbackBaseUrl === url ? data : `its reports are to go to ${data.callbackBaseUrl}`;
};
