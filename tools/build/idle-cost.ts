/** What a deployed stage costs while nothing happens, read off its templates. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import * as z from 'zod';

const Price = z.object({ dollars: z.number(), freeCount: z.number().optional() });
const Prices = z.object({ hoursPerMonth: z.number(), idle: z.record(z.string(), Price) });
/** The price table. */
export type Prices = z.infer<typeof Prices>;

const Resource = z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) });
const Template = z.object({ Resources: z.record(z.string(), Resource).default({}) });
type Resource = z.infer<typeof Resource>;
/** A template as far as its cost goes. */
export type CostedTemplate = z.infer<typeof Template>;

/** One line of the bill. */
export interface IdleCost {
  readonly price: string;
  /** Units a month, before what is free. */
  readonly count: number;
  readonly dollarsPerMonth: number;
}

/** Lambda keeps five long polls of 20 seconds open on every queue it reads, whether messages come or not. */
const pollsPerHour = 5 * 3 * 60;

/** Series that are emitted even when nothing happens: `Sweeps` and `StreamsSwept` of the sweeper. */
const idleSeriesCount = 2;

/** The bill of the templates, one line per price that applies. */
export const idleCosts = (templates: readonly CostedTemplate[], prices: Prices): readonly IdleCost[] => {
  const counts = new Map<string, number>();
  for (const template of templates)
    for (const resource of Object.values(template.Resources))
      for (const [price, count] of unitsOf(resource, template, prices.hoursPerMonth))
        counts.set(price, (counts.get(price) ?? 0) + count);
  return [...counts].map(([price, count]) => {
    const entry = prices.idle[price];
    if (entry === undefined) throw new Error(`the price table has no ${price}`);
    const paidCount = Math.max(0, count - (entry.freeCount ?? 0));
    return { price, count, dollarsPerMonth: paidCount * entry.dollars };
  });
};

/** The sum of the bill in dollars a month. */
export const idleTotal = (costs: readonly IdleCost[]): number =>
  costs.reduce((sum, { dollarsPerMonth }) => sum + dollarsPerMonth, 0);

/** Every template of a cloud assembly. */
export const readTemplates = (assemblyDir: string): readonly CostedTemplate[] =>
  readdirSync(assemblyDir)
    .filter((file) => file.endsWith('.template.json'))
    .map((file) => Template.parse(JSON.parse(readFileSync(join(assemblyDir, file), 'utf8'))));

/** The price table in `bench/prices.json` below the root. */
export const readPrices = (root: string): Prices =>
  Prices.parse(JSON.parse(readFileSync(join(root, 'bench/prices.json'), 'utf8')));

type Units = readonly (readonly [price: string, count: number])[];

const unitsOf = ({ Type, Properties }: Resource, template: CostedTemplate, hours: number): Units => {
  switch (Type) {
    case 'AWS::Kinesis::Stream':
      return shardUnits(Properties, hours);
    case 'AWS::SecretsManager::Secret':
      return [['secretMonth', 1]];
    case 'AWS::KMS::Key':
      return [['kmsKeyMonth', 1]];
    case 'AWS::CloudWatch::Alarm':
      return [['alarmMonth', 1]];
    case 'AWS::CloudWatch::Dashboard':
      return [['dashboardMonth', 1]];
    case 'AWS::Lambda::EventSourceMapping':
      return pollUnits(Properties, template, hours);
    case 'AWS::Events::Rule':
      return [['customMetricMonth', idleSeriesCount]];
    default:
      return [];
  }
};

const shardUnits = (properties: Readonly<Record<string, unknown>>, hours: number): Units => {
  const shardHours = Number(properties['ShardCount'] ?? 1) * hours;
  const isExtended = Number(properties['RetentionPeriodHours'] ?? 24) > 24;
  return [
    ['kinesisShardHour', shardHours],
    ...(isExtended ? [['kinesisExtendedRetentionShardHour', shardHours] as const] : []),
  ];
};

/** Reading a stream for a function costs nothing; reading a queue costs its empty polls. */
const pollUnits = (
  properties: Readonly<Record<string, unknown>>,
  template: CostedTemplate,
  hours: number,
): Units => {
  const isStream = properties['StartingPosition'] !== undefined;
  if (isStream) return [];
  const source = JSON.stringify(properties['EventSourceArn']);
  const queue = Object.entries(template.Resources).find(([id]) => source.includes(`"${id}"`))?.[1];
  const isFifo = source.includes('.fifo') || queue?.Properties['FifoQueue'] === true;
  return [[isFifo ? 'sqsFifoRequest' : 'sqsRequest', pollsPerHour * hours]];
};
