/** Events of the market plane as readers take them: additive members of a newer writer are dropped (section 10.4). */
import * as z from 'zod';
import { AnalysisEngineEvent } from '#contracts/market/analysis.ts';
import { OrchestratorEvent } from '#contracts/market/orchestrator-event.ts';
import { StateGateEvent } from '#contracts/market/state-gate.ts';

const [runStarted, ...runEvents] = OrchestratorEvent.options;
const [evaluated, ...gateEvents] = StateGateEvent.options;
const [analysisStarted, ...analysisEvents] = AnalysisEngineEvent.options;

/** An event of the output stream. */
export const HeardOrchestratorEvent = z.discriminatedUnion('event_type', [
  runStarted.strip(),
  ...runEvents.map((event) => event.strip()),
]);

/** An event of a state gate. */
export const HeardGateEvent = z.discriminatedUnion('event_type', [
  evaluated.strip(),
  ...gateEvents.map((event) => event.strip()),
]);

/** An event of an analysis engine. */
export const HeardAnalysisEvent = z.discriminatedUnion('event_type', [
  analysisStarted.strip(),
  ...analysisEvents.map((event) => event.strip()),
]);

/** An event of any of the three streams. */
export const HeardEvent = z.discriminatedUnion('schema', [
  HeardOrchestratorEvent,
  HeardGateEvent,
  HeardAnalysisEvent,
]);
export type HeardEvent = z.infer<typeof HeardEvent>;

/** A line that lets a halted symbol of a gate be judged, or of an analysis engine be analysed, again. */
export const ResumeGateLine = z.strictObject({ resume: z.string().min(1) });
