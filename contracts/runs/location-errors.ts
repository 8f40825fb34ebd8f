/** Refusals of execution locations, part of the error catalogue. */
export const locationErrors = {
  location_not_found: {
    status: 404,
    retryable: false,
    cause: 'no execution location of this id is registered in this workspace',
    remedy: 'list the locations of the workspace and check the id',
  },
  location_conflict: {
    status: 409,
    retryable: false,
    cause: 'another execution location serves the worker queue',
    remedy: 'remove the one of details.executionLocationId, or change it',
  },
  too_many_locations: {
    status: 409,
    retryable: false,
    cause: 'the workspace has as many execution locations as it may',
    remedy: 'remove one that is no longer used; details.limit has the bound',
  },
  location_archived: {
    status: 409,
    retryable: false,
    cause: 'the execution location is archived',
    remedy: 'set it to active first, which needs its worker queue to be served by no other location',
  },
  location_not_active: {
    status: 409,
    retryable: false,
    cause: 'a task of the run needs an execution location that takes no new runs',
    remedy:
      'set the location of details.executionLocationId to active, or archive it to have its tasks claimed',
  },
  queue_not_allowed: {
    status: 400,
    retryable: false,
    cause: 'the workspace may not have tasks sent to an SQS queue of this name',
    remedy: 'name the queue so that it begins with details.prefix',
  },
  function_not_allowed: {
    status: 400,
    retryable: false,
    cause: 'the workspace may not have tasks sent to a Lambda function of this name',
    remedy: 'name the function so that it begins with details.prefix',
  },
} as const;
