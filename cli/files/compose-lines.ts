/** `engine compose` line by line: what the composer makes of the market events of a run. */
import { ComposerMaterial } from '#contracts/market/composer.ts';
import { EngineSetting } from '#contracts/market/engine-setting.ts';
import { compose, featureSnapshot } from '#domain/market/composer/compose.ts';
import { engineOptions } from '#domain/market/engine/veto-thresholds.ts';
import { sliceOfEvents } from '#domain/market/slice.ts';
import { lineReader } from '#cli/files/answer-lines.ts';
import type { LineAnswers } from '#cli/files/answer-lines.ts';
import { configOf } from '#cli/files/config-file.ts';

const readMaterial = lineReader(ComposerMaterial, 'invalid_composer_material');

/** The events of a slice → the snapshot the engine is given, with evidence embedded; or the features alone. */
export const composeLines = (given: unknown, tells: 'snapshots' | 'features'): LineAnswers => {
  const { noData, matrix } = engineOptions(configOf(EngineSetting, given));
  return {
    answer: (line) => {
      const read = readMaterial(line);
      if (read.kind === 'refused') return [read.refusal];
      const { symbol, engine_timestamp_ms: engineTimestampMs } = read.value;
      const events = read.value.events.filter((event) => event.symbol === symbol);
      const run = { symbol, engineTimestampMs };
      if (tells === 'features') return [featureSnapshot(run, { events })];
      const inputs = sliceOfEvents(events).snapshotInputs(engineTimestampMs);
      return [compose(run, { events, inputs }, { noData, embedsNeutral: matrix !== undefined })];
    },
  };
};
