/** What of a workspace's settings goes into the plans of its runs. */
import { limitsInForce } from '#domain/manifest/configured-limits.ts';
import type { Manifests } from '#domain/manifest/manifests.ts';
import type { InForce } from '#domain/run/plan-locations.ts';

/** The limits and execution locations that hold for runs triggered now. */
export const inForce = ({
  limits,
  locations,
}: Pick<Manifests, 'limits' | 'locations'>): Required<InForce> => ({
  limits: limitsInForce(limits),
  locations: Object.values(locations.byId).filter(({ lifecycle }) => lifecycle !== 'archived'),
});
