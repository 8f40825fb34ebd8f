/** Pages of a list whose entries carry a number that orders them and never changes. */
import { AwsError } from '#local/kernel/aws-error.ts';
import type { Json } from '#local/kernel/engine.ts';
import { optionalText, pageSize } from './members.ts';

/** One page and the token of the next, if there is one. */
export interface Page<Entry> {
  readonly entries: readonly Entry[];
  readonly nextToken?: string;
}

/** The page the input asks for; `key` gives an entry's place, growing (or with `isFalling`, falling) in the list. */
export const pageOf = <Entry>(
  input: Json,
  list: readonly Entry[],
  rule: {
    readonly key: (entry: Entry) => number;
    readonly isFalling?: boolean;
    readonly usual: number;
    readonly most: number;
  },
): Page<Entry> => {
  const size = pageSize(input, rule);
  const after = tokenPlace(optionalText(input, 'nextToken'));
  const rest =
    after === undefined
      ? list
      : list.filter((entry) => (rule.isFalling ? rule.key(entry) < after : rule.key(entry) > after));
  const entries = rest.slice(0, size);
  const last = entries.at(-1);
  return rest.length > size && last !== undefined
    ? { entries, nextToken: Buffer.from(`page:${String(rule.key(last))}`).toString('base64') }
    : { entries };
};

const tokenPlace = (token: string | undefined): number | undefined => {
  if (token === undefined) return undefined;
  const match = /^page:(\d+)$/.exec(Buffer.from(token, 'base64').toString());
  if (!match) throw new AwsError('InvalidToken', `Invalid Token: '${token}'`);
  return Number(match[1]);
};

/** `nextToken` as a member of an answer: absent on the last page. */
export const tokenMember = ({ nextToken }: Page<unknown>): Json =>
  nextToken === undefined ? {} : { nextToken };
