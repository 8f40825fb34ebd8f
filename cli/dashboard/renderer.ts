/**
 * Draws dashboards one after the other. Whoever makes them never waits for it: of those that come while one is drawn the
 * newest is drawn next, which loses nothing, since each is whole. What goes wrong is told, and the next one is drawn.
 */
import type { Telemetry } from '#domain/ports/outside.ts';

export interface RendererSetting {
  /** A model as a frame of text; may throw. */
  readonly frameOf: (model: unknown) => string;
  /** Takes a frame; the next one follows when it was taken. */
  readonly write: (frame: string) => Promise<void>;
  readonly telemetry: Pick<Telemetry, 'log' | 'count'>;
  /** Frames cannot be written any more. */
  readonly onClosed: () => void;
}

export interface Renderer {
  /** Takes a model to draw. It neither waits nor throws. */
  readonly show: (model: unknown) => void;
  /** Comes when nothing is left to draw. */
  readonly idle: () => Promise<void>;
}

/** A renderer that has drawn nothing. */
export const dashboardRenderer = ({ frameOf, write, telemetry, onClosed }: RendererSetting): Renderer => {
  let next: { readonly model: unknown } | undefined;
  let isDrawing = false;
  let drawing = Promise.resolve();
  let isClosed = false;

  const failed = (kind: 'render_error' | 'write_error', error: unknown): void => {
    telemetry.count('dashboards.failures');
    telemetry.log('warn', 'dashboards.renderer_failure', {
      error_kind: kind,
      error_detail: (error instanceof Error ? error.message : String(error)).slice(0, DETAIL_MAX),
    });
  };
  const frame = (model: unknown): string | undefined => {
    try {
      return frameOf(model);
    } catch (error) {
      failed('render_error', error);
      return undefined;
    }
  };
  const draw = async (): Promise<void> => {
    while (next && !isClosed) {
      const text = frame(next.model);
      next = undefined;
      if (text === undefined) continue;
      try {
        await write(text);
        telemetry.count('dashboards.renderer.frames');
      } catch (error) {
        isClosed = true;
        failed('write_error', error);
        onClosed();
      }
    }
    // At once, and not when its promise is heard of: what is shown between the two would wait for the next one.
    isDrawing = false;
  };
  return {
    show: (model) => {
      next = { model };
      if (isDrawing) return;
      isDrawing = true;
      drawing = draw();
    },
    idle: () => drawing,
  };
};

const DETAIL_MAX = 200;
