/** Options of the commands that work on the tables of a stage. */
import type { Command } from 'commander';

export interface StoreOptions {
  readonly stage: string;
  readonly aws?: boolean;
}

/** Adds the options that say which stage of which account. */
export const addStoreOptions = (command: Command): Command =>
  command
    .option('--stage <stage>', 'stage whose tables are meant', 'dev')
    .option('--aws', 'use the AWS account and region of the environment instead of the local stack');
