/** Commands that wait in the `commands` queue: one group per stream, so that they are decided in order. */
import * as z from 'zod';
import { Actor } from '#contracts/event.ts';
import type { CommandRequest } from '#domain/kernel/commit.ts';
import { sha256Hex } from '#domain/kernel/hash.ts';
import type { IssueCommand, SendMessage } from '#domain/kernel/effect.ts';

const Addressed = z.strictObject({ stream: z.string(), command: z.looseObject({ type: z.string() }) });

/** The body of a message in `commands`. */
export const QueuedCommand = z.strictObject({
  kind: z.string(),
  stream: z.string(),
  command: z.looseObject({ type: z.string() }),
  commandId: z.string(),
  actor: Actor,
  correlationId: z.string(),
  /** What is told once the command was accepted, and when it was refused for good. */
  ifDone: Addressed.optional(),
  ifRefused: Addressed.optional(),
});
export type QueuedCommand = z.infer<typeof QueuedCommand>;

/** The message that asks for a command to be decided after its caller was answered. */
export const queuedCommand = <Command extends { readonly type: string }>(
  kind: string,
  request: CommandRequest<Command>,
): Omit<SendMessage, 'kind' | 'name'> => {
  const { stream, command, commandId, actor, correlationId } = request;
  return {
    queue: 'commands',
    body: { kind, stream, command, commandId, actor, correlationId },
    groupId: sha256Hex(stream),
    deduplicationId: sha256Hex(commandId),
  };
};

/** The message by which a command that a stream owes another is decided there. */
export const issuedCommand = (
  { name, stream, command, ifDone, ifRefused }: IssueCommand,
  serviceId: string,
): Omit<SendMessage, 'kind' | 'name'> => {
  const message = queuedCommand(stream.slice(0, stream.indexOf('#')), {
    stream,
    command,
    commandId: name,
    actor: { kind: 'service', id: serviceId },
    correlationId: stream,
  });
  const replies = { ...(ifDone ? { ifDone } : {}), ...(ifRefused ? { ifRefused } : {}) };
  return { ...message, body: { ...message.body, ...replies } };
};
