/** Reading who asked for what. */
import { ListQuery } from '#contracts/runs/read.ts';
import { auditListKeys } from '#domain/audit/audit-projection.ts';
import type { ViewReader } from '#domain/ports/views.ts';
import { parseQuery } from '#functions/shared/http.ts';
import type { Operation } from '#functions/shared/http.ts';
import { mergedList } from '#functions/shared/merged-list.ts';
import { cursorOf, positionOf } from '#functions/shared/paging.ts';
import { tenantCallerOf } from '#functions/shared/request.ts';

/** One page of the audited requests of the tenant, newest first. */
export const listAudit =
  ({ views }: { readonly views: ViewReader }): Operation =>
  async (request) => {
    const { limit, cursor } = parseQuery(ListQuery, request.query);
    const { tenantId } = tenantCallerOf(request);
    const list = `audit#${tenantId}`;
    const page = await mergedList(views, auditListKeys(tenantId), { limit, ...positionOf(list, cursor) });
    return { status: 200, body: { requests: page.rows.map(({ data }) => data), ...cursorOf(list, page) } };
  };
