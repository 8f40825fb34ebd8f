/**
 * Token buckets in the `control` table. An item holds one instant: when the bucket will be full again. Taking moves it
 * on by what was taken, in one conditional write, so that no reader can be overtaken; losing it fills the bucket.
 */
import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { number } from '#adapters/dynamodb/attributes.ts';
import type { ControlSetting } from '#adapters/dynamodb/control.ts';
import type { RateBuckets, Take, Taken } from '#domain/ports/control.ts';

const KNOWN_MAX = 1_000;
const TTL_MARGIN_S = 60;
/** A full bucket may meet others who take at the same instant: each way is tried, and the first once more. */
const TRIES_MAX = 3;

/** Buckets by name, each as full as what was taken from it allows. */
export const dynamoRateBuckets = ({ client, table, nowMs }: ControlSetting): RateBuckets => {
  /** When each bucket is full again as far as is known here: only a guess at which write will hold. */
  const known = new Map<string, number>();
  const write = async (take: Take, isFull: boolean, at: number): Promise<number | 'taken'> => {
    const costMs = take.count * take.eachMs;
    // Full: nobody has taken for as long as filling it up takes. Otherwise: what is left must do.
    const condition = isFull
      ? 'attribute_not_exists(#full) OR #full < :now'
      : '#full >= :now AND #full <= :latest';
    try {
      await client.send(
        new UpdateItemCommand({
          TableName: table,
          Key: { pk: { S: `bucket#${take.name}` }, sk: { S: 'bucket' } },
          UpdateExpression: `SET #full = ${isFull ? ':now' : '#full'} + :cost, expiresAt = :expires`,
          ConditionExpression: condition,
          ExpressionAttributeNames: { '#full': 'fullAtMs' },
          ExpressionAttributeValues: {
            ':now': { N: String(at) },
            ':cost': { N: String(costMs) },
            ':expires': { N: String(Math.ceil((at + take.burst * take.eachMs) / 1000) + TTL_MARGIN_S) },
            ...(isFull ? {} : { ':latest': { N: String(at + take.burst * take.eachMs - costMs) } }),
          },
          ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
        }),
      );
      return 'taken';
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return number(error.Item ?? {}, 'fullAtMs') ?? 0;
    }
  };
  const keep = (name: string, fullAtMs: number): void => {
    if (known.size >= KNOWN_MAX) known.clear();
    known.set(name, fullAtMs);
  };
  return {
    take: async (take): Promise<Taken> => {
      const at = nowMs();
      let fullAtMs = known.get(take.name) ?? 0;
      for (let tries = 1; tries <= TRIES_MAX; tries++) {
        const answer = await write(take, fullAtMs < at, at);
        if (answer === 'taken') {
          keep(take.name, Math.max(fullAtMs, at) + take.count * take.eachMs);
          return { kind: 'taken' };
        }
        fullAtMs = answer;
        const missingMs = fullAtMs + take.count * take.eachMs - take.burst * take.eachMs - at;
        if (missingMs > 0) return { kind: 'refused', retryAfterMs: missingMs };
      }
      // Others were quicker each time: the bucket is in use and not empty.
      return { kind: 'taken' };
    },
  };
};
