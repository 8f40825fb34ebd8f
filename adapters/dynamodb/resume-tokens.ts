/** Task tokens of executions that wait for a person, sealed in `control`; a lost one costs the time to the next reminder. */
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { text } from '#adapters/dynamodb/attributes.ts';
import type { ControlSetting } from '#adapters/dynamodb/control.ts';
import { openText, sealText } from '#adapters/tokens/sealed-text.ts';
import type { ResumeTokenPlace, ResumeTokens } from '#domain/ports/control.ts';
import type { Telemetry } from '#domain/ports/outside.ts';

export interface ResumeTokenSetting extends ControlSetting {
  readonly secret: () => Promise<string>;
  readonly telemetry: Telemetry;
}

/** Longer than the longest wait for a reminder, a week. */
const TOKEN_TTL_S = 8 * 86_400;

const partition = (feedStream: string): string => `resume-token#${feedStream}`;
const position = ({ openedSequence, generation }: ResumeTokenPlace): string =>
  `${openedSequence}#${generation}`;
const nameOf = (place: ResumeTokenPlace): string => `${partition(place.feedStream)}#${position(place)}`;

/** The tokens of a stage. */
export const dynamoResumeTokens = ({
  client,
  table,
  nowMs,
  secret,
  telemetry,
}: ResumeTokenSetting): ResumeTokens => ({
  keep: async (place, token) => {
    const sealed = sealText(await secret(), nameOf(place), token);
    const expiresAt = { N: String(Math.floor(nowMs() / 1000) + TOKEN_TTL_S) };
    const key = { pk: { S: partition(place.feedStream) }, sk: { S: position(place) } };
    await client.send(
      new PutItemCommand({ TableName: table, Item: { ...key, sealed: { S: sealed }, expiresAt } }),
    );
  },
  read: async (place) => {
    const Key = { pk: { S: partition(place.feedStream) }, sk: { S: position(place) } };
    const { Item: item = {} } = await client.send(
      new GetItemCommand({ TableName: table, Key, ConsistentRead: true }),
    );
    const sealed = text(item, 'sealed');
    if (sealed === undefined) return undefined;
    const token = openText(await secret(), nameOf(place), sealed);
    if (token === undefined)
      telemetry.log('warn', 'a sealed task token cannot be opened and counts as lost', {
        stream: place.feedStream,
      });
    return token;
  },
});
