/** What an analysis module is: pure, told everything it may go by, and one of four kinds. */
import type { Artifact, ArtifactKind, ModuleKind } from '#contracts/market/analysis.ts';
import type { GateEvidence } from '#contracts/market/state-gate.ts';

/** An artifact of another module that a module needs. */
export interface Dependency {
  readonly moduleId: string;
  readonly artifactName: string;
}

/** The name under which an artifact is found. */
export const artifactKey = ({ moduleId, artifactName }: Dependency): string => `${moduleId}:${artifactName}`;

/** Everything a module may go by. */
export interface ModuleInput {
  readonly symbol: string;
  readonly runId: string;
  readonly engineTimestampMs: number;
  /** What the gate let through. */
  readonly evidence: GateEvidence | null;
  /** The artifacts it depends on, by `artifactKey`. */
  readonly artifacts: ReadonlyMap<string, Artifact['payload']>;
  /** What it left behind when it last succeeded on the symbol. */
  readonly state: Readonly<Record<string, unknown>> | undefined;
  readonly config: Readonly<Record<string, unknown>>;
}

/** What a module makes. */
export interface MadeArtifact {
  readonly kind: ArtifactKind;
  readonly name: string;
  readonly schema: string;
  readonly schemaVersion: string;
  readonly payload: Artifact['payload'];
}

/** What a module answers; the state is kept if it says what schema its states have. */
export interface ModuleOutput {
  readonly artifacts: readonly MadeArtifact[];
  readonly state?: Readonly<Record<string, unknown>>;
}

/** A module. It may throw: then it has failed on this run, and others go on. */
export interface AnalysisModule {
  readonly id: string;
  readonly kind: ModuleKind;
  readonly dependencies: readonly Dependency[];
  readonly stateSchema?: { readonly id: string; readonly version: string };
  readonly run: (input: ModuleInput) => ModuleOutput;
}

/** What modules of a kind make. */
export const artifactKinds: Readonly<Record<ModuleKind, ArtifactKind>> = {
  signal: 'signal',
  detector: 'detection',
  rule: 'evaluation',
  output: 'output',
};
