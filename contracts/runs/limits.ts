/** Bounds and defaults of manifests, runs and callbacks (asset reference, sections 7, 8 and 19). */
export const runLimits = {
  runKeyLengthMax: 256,
  partitionKeyLengthMax: 1024,
  partitionsMax: 128,
  dimensionNameLengthMax: 64,
  dimensionValueLengthMax: 256,
  selectionMax: 10_000,
  selectionItemLengthMax: 256,
  labelsMax: 128,
  labelKeyLengthMax: 128,
  labelValueLengthMax: 2048,
  manifestAssetsMax: 10_000,
  manifestSchedulesMax: 1_000,
  /** Tasks of one run; a larger plan is refused `plan_too_large`. */
  planTasksMax: 2_000,
  /**
   * JSON of one plan in bytes: 2,000 tasks with names of 64 characters and several upstreams each. It travels packed in
   * the first commit of the run, as a tenth of that or less; what does not fit into 256 KB then is `commit_too_large`.
   */
  planBytesMax: 1_048_576,
  attemptsMax: 20,
  /** Reruns of the same tasks that need no run key. */
  rerunGenerationsMax: 50,
  /** Seconds a run may be given to its deadline: 30 days. */
  runTimeoutSecMax: 2_592_000,
  cancelReasonLengthMax: 1_000,
  claimTasksMax: 10,
  claimWaitMsMax: 20_000,
  /** Days that a run which has ended is listed. The ledger keeps it for ever: it is read, and rerun, by its id. */
  listedDays: 90,
  /** Minutes a materialization stays fresh when its asset says nothing else. */
  freshnessLagMinutesDefault: 1_440,
  freshnessLagMinutesMax: 5_256_000,
  /** Partitions a summary counts; an asset with more is listed and not summed up. */
  summaryPartitionsMax: 20_000,
  listLimitMax: 200,
  runListLimitDefault: 20,
  listLimitDefault: 50,
  /** Characters kept of an error or progress message; the rest is cut. */
  messageLengthMax: 4_096,
  /** Characters kept of a stack trace; the rest is cut. */
  stackTraceLengthMax: 8_192,
  /** Serialized bytes kept of a worker's partial progress; a larger one is left out, and says so. */
  partialProgressBytesMax: 8_192,
  /** Bytes of UTF-8 in the log of one attempt, standard output and errors together. */
  logBytesMax: 2 * 1024 * 1024,
  /** Bytes of the request that uploads one, as JSON: what Lambda takes as a payload. */
  logRequestBytesMax: 6 * 1024 * 1024,
  /** Bytes of one page of logs as JSON text, beyond its first log: what Lambda hands over ends at 6 MB. */
  logPageBytesMax: 4 * 1024 * 1024,
} as const;

/** What a task gets when its asset says nothing else. */
export const taskDefaults = {
  queue: 'default-queue',
  /** 0 is the most urgent, 9 the least. */
  priority: 5,
  heartbeatTimeoutSec: 300,
  /** How long a running attempt may take to stop when its run is being stopped. */
  cancelGraceSec: 120,
  /** How long an attempt may run that gives no signs of life, and whose asset sets no bound: the life of its token. */
  silentAttemptSec: 86_400,
  maxAttempts: 3,
  baseMs: 30_000,
  factor: 2,
  maxMs: 900_000,
  jitterMs: 0,
} as const;

/** Timing of dispatch and silence, in milliseconds. */
export const runTiming = {
  /** Silence tolerated beyond the heartbeat timeout before the attempt is failed. */
  heartbeatGraceMs: 30_000,
  /** A heartbeat that says nothing new is recorded at most this often, or four times within a shorter timeout. */
  heartbeatIntervalMs: 30_000,
  /** New progress is recorded at most this often. */
  progressIntervalMs: 5_000,
  /** Wait before a lost offer or message is sent again; doubles with each send. */
  resendIntervalMs: 60_000,
  /** Repeats of one dispatch before the task fails `dispatch_lost`. */
  resendsMax: 5,
  /** The sweeper makes a retry itself when nothing did this long after its instant. */
  retryGraceMs: 15_000,
  /** How long tasks with the rule `always` may take after their run was stopped. */
  cleanupGraceMs: 900_000,
  /** How long a run whose tasks have succeeded waits for a report on a pending output: 7 days. */
  visibilityMs: 604_800_000,
  /** Look at a run again this long after an instant that should have led to something. */
  silenceMs: 60_000,
} as const;

/** Limits of concurrency: their bounds, and the instants at which somebody looks after a slot. */
export const concurrency = {
  /** The greatest capacity, and so what a removed limit still grants at once of those that had asked it. */
  capacityMax: 1_000,
  /** What an unset capacity may have under way: all that could hold or await a slot when the limit was removed. */
  slotsMax: 2_000,
  /** Attempts that may wait for one limit; above it triggers answer 429, and runs ask again. */
  waitersMax: 1_000,
  /** Limits one manifest may declare, keys without a capacity included; as many more may be set over the API. */
  limitsMax: 200,
  /** Capacity of a concurrency key that nobody gave one. */
  keyCapacity: 1,
  /** The holder of a new slot is looked at after this long, and told again if it has not heard. */
  firstLeaseMs: 60_000,
  /** The holder of a slot is looked at so often afterwards. */
  leaseMs: 900_000,
  /** Slots one look goes after, once a minute: more than `slotsMax` slots have leases that end within one. */
  slotsPerLookMax: 200,
  /** Runs a look reads at one time. */
  runsPerReadMax: 20,
  /** A run asks again after this long, doubling each time up to the most: the request may have been lost. */
  askAgainMs: 60_000,
  askAgainMaxMs: 3_600_000,
  /**
   * Who was refused asks again after one to two seconds, and after twice as long with each refusal up to the most: so long
   * an attempt may miss that there is room again.
   */
  refusedAgainMinMs: 1_000,
  refusedAgainMaxMs: 300_000,
  /** What callers are told to wait when too many attempts wait for a limit. */
  retryAfterMs: 60_000,
  /** Holders and waiters one read shows. */
  shownMax: 200,
} as const;

/** Tasks of a run that may wait for a slot at one time; further ready tasks wait as `dispatch_window`. */
export const SLOT_WINDOW = 100;

/** Tasks of a run that may ask beyond that window for one limit first, counted among those at least as urgent. */
export const SLOT_ROOM = 10;

/** Streams of the events of a run. */
export const runStreams = {
  /** A stream ends after so many milliseconds; its receiver comes back with the last number it saw. */
  leaseMs: 120_000,
  /** A comment is sent after so many milliseconds without an event. */
  heartbeatMs: 15_000,
  /** What receivers are told to wait before they come back. */
  retryMs: 1_000,
  /** The ledger is looked at after so many milliseconds, twice as many each time nothing came, up to the most. */
  pollMinMs: 200,
  pollMaxMs: 2_000,
  /** Commits or events read at once. */
  pageEvents: 100,
} as const;

/** Tasks a run may have offered and unclaimed at one time; further ready tasks wait as `dispatch_window`. */
export const DISPATCH_WINDOW = 100;

/** Tasks of in-process runners a run may have handed over at one time: they are run one after another. */
export const INLINE_WINDOW = 1;

/** Labels only Sluice may set. */
export const reservedLabels: readonly string[] = ['arco.parent_run_id', 'arco.rerun.kind'];
