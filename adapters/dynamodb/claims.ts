/** What claims with an Idempotency-Key have taken, in the `control` table, for a day. */
import { ConditionalCheckFailedException, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { number, requiredText } from '#adapters/dynamodb/attributes.ts';
import type { Item } from '#adapters/dynamodb/attributes.ts';
import type { ControlSetting } from '#adapters/dynamodb/control.ts';
import type { Claims, TakenOffers } from '#domain/ports/control.ts';

const KEPT_S = 86_400;

const key = (claimId: string): Item => ({ pk: { S: `claim#${claimId}` }, sk: { S: 'claim' } });

const takenOf = (item: Item): TakenOffers => JSON.parse(requiredText(item, 'taken')) as TakenOffers;

/** Claims by id; DynamoDB deletes what is over some time later, so the instant is compared here too. */
export const dynamoClaims = ({ client, table, nowMs }: ControlSetting): Claims => {
  const seconds = (): number => Math.floor(nowMs() / 1000);
  const itemOf = (claimId: string, taken: TakenOffers): Item => ({
    ...key(claimId),
    taken: { S: JSON.stringify(taken) },
    expiresAt: { N: String(seconds() + KEPT_S) },
  });
  return {
    get: async (claimId) => {
      const { Item: item } = await client.send(
        new GetItemCommand({ TableName: table, Key: key(claimId), ConsistentRead: true }),
      );
      return item && (number(item, 'expiresAt') ?? 0) > seconds() ? takenOf(item) : undefined;
    },
    keep: async (claimId, taken) => {
      try {
        await client.send(
          new PutItemCommand({
            TableName: table,
            Item: itemOf(claimId, taken),
            ConditionExpression: 'attribute_not_exists(pk) OR expiresAt <= :now',
            ExpressionAttributeValues: { ':now': { N: String(seconds()) } },
            ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
          }),
        );
        return taken;
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException && error.Item) return takenOf(error.Item);
        throw error;
      }
    },
    replace: async (claimId, taken) => {
      await client.send(new PutItemCommand({ TableName: table, Item: itemOf(claimId, taken) }));
    },
  };
};
