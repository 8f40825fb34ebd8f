/** What the routes of a feed's later layers answer, over all pages: a feed has up to a thousand symbols. */
import * as z from 'zod';
import type { Client } from '#cli/client.ts';

type Query = Readonly<Record<string, string | undefined>>;

const Page = z.looseObject({ nextCursor: z.string().optional() });
type Page = z.infer<typeof Page>;

const pagesOf = async (client: Client, path: string, query: Query): Promise<readonly Page[]> => {
  const pages: Page[] = [];
  let cursor: string | undefined;
  do {
    const page = Page.parse(await client.request('GET', path, { query: { ...query, cursor } }));
    pages.push(page);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return pages;
};

const withoutCursor = ({ nextCursor: _next, ...page }: Page): object => page;

/** The first page with the list of every page in it. */
export const wholeList = async (
  client: Client,
  path: string,
  { list, query }: { readonly list: string; readonly query: Query },
): Promise<object> => {
  const pages = await pagesOf(client, path, query);
  const [first = {}] = pages.map(withoutCursor);
  return { ...first, [list]: pages.flatMap((page) => z.array(z.unknown()).parse(page[list])) };
};

const Component = z.looseObject({
  component_id: z.string(),
  status: z.string(),
  details: z.array(z.string()),
});
type Component = z.infer<typeof Component>;

const DashboardPage = z.looseObject({
  as_of_ts_ms: z.int(),
  source_run_id: z.string().nullable(),
  source_engine_timestamp_ms: z.int().nullable(),
  system: z.looseObject({ status: z.string(), components: z.array(Component) }),
  symbols: z.array(z.unknown()),
  telemetry: z.looseObject({
    ingest: z.record(z.string(), z.int().nullable()),
    staleness: z.looseObject({ is_stale: z.boolean(), stale_reasons: z.array(z.string()) }),
  }),
});
type DashboardPage = z.infer<typeof DashboardPage>;

const DASHBOARD_LIMIT = '200';

/** One dashboard of all symbols: its parts are as well as the least well page of them, and as new as the newest. */
export const wholeDashboard = async (client: Client, path: string): Promise<object> =>
  (await pagesOf(client, path, { limit: DASHBOARD_LIMIT }))
    .map((page) => DashboardPage.parse(withoutCursor(page)))
    .reduce(bothOf);

const bothOf = (one: DashboardPage, other: DashboardPage): DashboardPage => {
  const source = sourceOf(one, other);
  const components = componentsOf(one.system.components, other.system.components);
  const reasons = staleReasons(
    one.telemetry.staleness.stale_reasons,
    other.telemetry.staleness.stale_reasons,
  );
  return {
    ...one,
    as_of_ts_ms: Math.max(one.as_of_ts_ms, other.as_of_ts_ms),
    source_run_id: source.source_run_id,
    source_engine_timestamp_ms: source.source_engine_timestamp_ms,
    system: { status: statusOf(components), components },
    symbols: [...one.symbols, ...other.symbols],
    telemetry: {
      ingest: newest(one.telemetry.ingest, other.telemetry.ingest),
      staleness: { is_stale: reasons.length > 0, stale_reasons: reasons },
    },
  };
};

type Sourced = Pick<DashboardPage, 'source_run_id' | 'source_engine_timestamp_ms'>;

/** The later run by engine timestamp, then id; a page without one has the least. */
const sourceOf = (one: Sourced, other: Sourced): Sourced => {
  const apart = (one.source_engine_timestamp_ms ?? -1) - (other.source_engine_timestamp_ms ?? -1);
  const isLater = apart === 0 ? (one.source_run_id ?? '') > (other.source_run_id ?? '') : apart > 0;
  return isLater ? one : other;
};

const componentsOf = (one: readonly Component[], other: readonly Component[]): Component[] =>
  one.map((part) => {
    const twin = other.find(({ component_id: id }) => id === part.component_id);
    if (!twin) return part;
    const statuses = [part.status, twin.status];
    return {
      ...part,
      status: ['DEGRADED', 'OK'].find((status) => statuses.includes(status)) ?? 'UNKNOWN',
      details: [...part.details, ...twin.details],
      last_update_ts_ms: latestOf(part['last_update_ts_ms'], twin['last_update_ts_ms']),
    };
  });

const statusOf = (components: readonly Component[]): string =>
  ['DEGRADED', 'UNKNOWN'].find((status) => components.some((part) => part.status === status)) ?? 'OK';

const latestOf = (one: unknown, other: unknown): number | null => {
  const known = [one, other].filter((value): value is number => typeof value === 'number');
  return known.length > 0 ? Math.max(...known) : null;
};

const newest = (
  one: Readonly<Record<string, number | null>>,
  other: Readonly<Record<string, number | null>>,
): Record<string, number | null> =>
  Object.fromEntries(Object.keys(one).map((name) => [name, latestOf(one[name], other[name])]));

/** What could not be read somewhere could not be read; all else is so only when it is so of every page. */
const staleReasons = (one: readonly string[], other: readonly string[]): string[] =>
  [...new Set([...one, ...other])].filter(
    (reason) => reason === 'ingest_failure' || (one.includes(reason) && other.includes(reason)),
  );
