/** Every refusal a route documents: those of its access, those of its input, and its own. */
import type { ErrorCode } from '#contracts/errors.ts';
import type { RouteShape } from '#contracts/route-shapes.ts';
import type { Route } from '#contracts/routes.ts';

const CREDENTIAL: readonly ErrorCode[] = ['missing_token', 'invalid_token', 'token_expired', 'unavailable'];
const CHANGE: readonly ErrorCode[] = [
  'invalid_request',
  'invalid_json',
  'payload_too_large',
  'unsupported_media_type',
  'contention',
  'unknown_event',
];

/** The codes a caller of a route may meet. */
export const refusalsOf = (route: Route, shape: RouteShape): readonly ErrorCode[] => {
  if (route.access === 'public') return ['internal'];
  const change = route.mutating ? CHANGE : [];
  const query: readonly ErrorCode[] = shape.query ? ['invalid_request'] : [];
  return [...CREDENTIAL, ...placeRefusals(route), ...change, ...query, 'internal', ...shape.refusals];
};

const placeRefusals = ({ access, reach }: Route): readonly ErrorCode[] => {
  if (access === 'task-token') return [];
  return reach === 'tenant' ? ['rate_limited', 'forbidden'] : ['rate_limited', 'forbidden', 'not_found'];
};
