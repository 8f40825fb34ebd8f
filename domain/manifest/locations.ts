/**
 * The execution locations of a workspace. They lie in the stream of what is deployed, which every trigger reads in any
 * case; a run keeps those its tasks need in its plan, so that a change holds for runs triggered after it.
 */
import { locationLimits } from '#contracts/runs/locations.ts';
import type { ExecutionLocation } from '#contracts/runs/locations.ts';
import type { LocationEvent } from '#contracts/runs/location-events.ts';
import type { Rejection } from '#domain/kernel/aggregate.ts';
import { canonicalJson } from '#domain/kernel/canonical-json.ts';
import { accept, reject } from '#domain/kernel/decision.ts';
import type { Decision } from '#domain/kernel/decision.ts';

export interface Locations {
  readonly lastChangeNo: number;
  readonly byId: Readonly<Record<string, ExecutionLocation>>;
}

/** What a workspace begins with. */
export const noLocations: Locations = { lastChangeNo: 0, byId: {} };

/** Somebody registers a location, or changes it. */
export interface SetLocation {
  readonly type: 'SetLocation';
  readonly location: ExecutionLocation;
}

/** Somebody removes a location. */
export interface RemoveLocation {
  readonly type: 'RemoveLocation';
  readonly executionLocationId: string;
}

/** What somebody's word on a location adds; the same word again adds nothing. */
export const decideLocation = (
  command: SetLocation | RemoveLocation,
  locations: Locations,
): Decision<LocationEvent, Rejection> => {
  const changeNo = locations.lastChangeNo + 1;
  if (command.type === 'SetLocation') return setLocation(command.location, locations, changeNo);
  const { executionLocationId } = command;
  if (!locations.byId[executionLocationId])
    return reject({
      code: 'location_not_found',
      message: `no execution location ${executionLocationId} is registered in this workspace`,
    });
  return accept({
    type: 'LocationRemoved',
    idempotencyKey: `location_removed:${changeNo}`,
    data: { executionLocationId, changeNo },
  });
};

const setLocation = (
  location: ExecutionLocation,
  { byId }: Locations,
  changeNo: number,
): Decision<LocationEvent, Rejection> => {
  const { executionLocationId, workerQueue } = location;
  const known = byId[executionLocationId];
  if (known && canonicalJson(known) === canonicalJson(location)) return accept();
  const { lifecycle = 'active' } = location;
  if (known?.lifecycle === 'archived' && lifecycle !== 'active')
    return reject({
      code: 'location_archived',
      message: `the execution location ${executionLocationId} is archived, and can only be set to active`,
      details: { executionLocationId, lifecycle: 'archived' },
    });
  const others = Object.values(byId).filter((other) => other.executionLocationId !== executionLocationId);
  const rival = others.find((other) => other.workerQueue === workerQueue && other.lifecycle !== 'archived');
  if (rival && lifecycle !== 'archived')
    return reject({
      code: 'location_conflict',
      message: `the execution location ${rival.executionLocationId} serves the worker queue ${workerQueue}`,
      details: { executionLocationId: rival.executionLocationId },
    });
  if (others.length >= locationLimits.locationsMax)
    return reject({
      code: 'too_many_locations',
      message: `${others.length} execution locations are registered, as many as may be`,
      details: { limit: locationLimits.locationsMax },
    });
  return accept({
    type: 'LocationSet',
    idempotencyKey: `location_set:${changeNo}`,
    data: { ...location, changeNo },
  });
};

/** The locations after a change of one of them. */
export const evolveLocations = ({ byId }: Locations, event: LocationEvent): Locations => {
  const { [event.data.executionLocationId]: _before, ...others } = byId;
  if (event.type === 'LocationRemoved') return { lastChangeNo: event.data.changeNo, byId: others };
  const { changeNo, ...location } = event.data;
  return { lastChangeNo: changeNo, byId: { ...others, [location.executionLocationId]: location } };
};
