/**
 * What the queues gave up on. A queued command is decided again, since its caller was told that it was taken; it stays
 * in its dead-letter queue until it is. The aggregate behind any other message is told by an ordinary sweep of its
 * stream, which does again whatever is still owed. Market records that nobody took and batches of the ledger stream are counted
 * and logged with their reason; the alarm on the metric calls a person.
 */
import type { SQSRecord } from 'aws-lambda';
import * as z from 'zod';
import type { Queues, Telemetry } from '#domain/ports/outside.ts';
import { decideCommand, queuedCommandOf } from '#functions/shared/decide-queued.ts';
import type { Mailbox } from '#functions/shared/mailbox.ts';

export interface DeadLetterPorts {
  readonly mailbox: Mailbox;
  readonly queues: Queues;
  readonly telemetry: Telemetry;
}

/** Queues whose messages are themselves looks at a stream, or were asked for by one. */
const LOOKS = ['sweep', 'compactions', 'publications'] as const;
/** The longest wait a queue offers. */
const FAILED_LOOK_DELAY_S = 900;

/** The members by which messages of the work queues name their stream. */
const Named = z.looseObject({ stream: z.string().optional(), feedStream: z.string().optional() });

/** Takes one dead message. */
export const takeDeadLetter = async (
  { mailbox, queues, telemetry }: DeadLetterPorts,
  record: SQSRecord,
): Promise<void> => {
  const queue = record.eventSourceARN.split(':').at(-1) ?? '';
  const stream = streamOf(record.body);
  telemetry.count('DeadLetters');
  telemetry.log('error', 'a message was given up by its queue', {
    queue,
    messageId: record.messageId,
    ...(stream === undefined ? {} : { stream }),
    reason: reasonOf(record.body),
  });
  const command = queue.includes('commands') ? queuedCommandOf(record.body) : undefined;
  if (command) return decideCommand(mailbox, command);
  if (stream === undefined) return;
  // A look that failed is tried again at a walking pace: nobody else would look at its stream.
  const delay = LOOKS.some((look) => queue.includes(look)) ? { delaySeconds: FAILED_LOOK_DELAY_S } : {};
  await queues.send([{ queue: 'sweep', body: { stream }, ...delay }]);
};

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    // A body that is no JSON names no stream; it is still counted and logged.
    return undefined;
  }
};

const streamOf = (body: string): string | undefined => {
  const named = Named.safeParse(parsed(body));
  return named.success ? (named.data.stream ?? named.data.feedStream) : undefined;
};

const reasonOf = (body: string): string | undefined => {
  const named = z
    .looseObject({
      code: z.string().optional(),
      requestContext: z.looseObject({ condition: z.string().optional() }).optional(),
    })
    .safeParse(parsed(body));
  return named.success ? (named.data.code ?? named.data.requestContext?.condition) : undefined;
};
