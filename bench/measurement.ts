/** What a measurement answers: rows of one number each, which the table prints and the JSON keeps. */

/** One measured number. Numbers of different machines do not compare; ratios of one run do. */
export interface Row {
  /** What was measured, unique within its measurement. */
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What the number should be, in words. */
  readonly target?: string;
}

/** What every measurement may know. */
export interface BenchSetting {
  /** Folder of the repository. */
  readonly root: string;
  /** A month of one-minute bars to play; the demo tape when absent. */
  readonly monthFile?: string;
}

export type Measure = (setting: BenchSetting) => Promise<readonly Row[]>;

/** The rows of one measurement. */
export interface Measured {
  readonly measurement: string;
  readonly rows: readonly Row[];
}
