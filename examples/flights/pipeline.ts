/** Extracts, transforms and loads at the same time, from the place where an earlier run left off. */
import { isMillraceError, type Log, type Progress, type RunningApp } from '../../src/index.ts'
import { publishAirports, publishFlights } from './extract.ts'
import { load } from './load.ts'
import { app } from './transform.ts'

/** The steps in which a crash can come. */
export const phases = ['publishing', 'processing', 'committing', 'loading'] as const
export type Phase = (typeof phases)[number]

export interface PipelineOptions {
  readonly log: Log
  readonly warehouse: string
  /** Only the flights of the first days. */
  readonly days: number
  /** Commits complete work, and leaves. */
  readonly signal: AbortSignal
  readonly onPhase: (phase: Phase) => void
  /** A step is durable: a crash cannot undo it. */
  readonly onCommit: () => void
}

export interface Pipeline {
  /** The app's progress, and the number of flights left to publish, if known. */
  progress(): { readonly app: Progress; readonly unpublished: number | undefined }
  /** Whether everything is loaded; false if the signal ended the run before. */
  readonly done: Promise<boolean>
}

export async function startPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { log, warehouse, days, signal, onPhase, onCommit } = options
  // The airports are published before the flights that are joined to them.
  await publishAirports(log, signal)
  let unpublished: number | undefined
  const start = (until?: 'end'): RunningApp =>
    app.start({
      commitInterval: '500ms',
      log,
      ...(until && { until }),
      onPhase: phase => (phase === 'committed' ? onCommit() : onPhase(phase)),
    })
  let running = start()
  return {
    progress: () => ({ app: running.progress(), unpublished }),
    done: run(),
  }

  async function run(): Promise<boolean> {
    // If an earlier run had begun to finish, only the rest of that is left. A finished one needs nothing.
    const processed = running.done
      .catch((error: unknown) => {
        if (!isFinished(error)) throw error
        running = start('end')
        return running.done
      })
      .catch((error: unknown) => {
        if (!isFinished(error)) throw error
      })
    const deliveries = load(log, warehouse, {
      onPhase: phase => phase === 'loading' && onPhase(phase),
      onProgress: onCommit,
    })
    const stop = (): Promise<unknown> =>
      Promise.allSettled([running.stop(), ...deliveries.map(delivery => delivery.stop())])
    signal.addEventListener('abort', () => void stop(), { once: true })
    // Rejects if any part fails, so that no part waits for one that is gone.
    const allDone = Promise.all([processed, ...deliveries.map(({ done }) => done)])
    try {
      await Promise.race([extract(), allDone])
      if (!signal.aborted) void running.finish().catch(() => {})
      await Promise.race([processed, allDone])
      if (!signal.aborted) for (const delivery of deliveries) void delivery.finish().catch(() => {})
      await allDone
      return !signal.aborted
    } finally {
      await stop()
    }
  }

  async function extract(): Promise<void> {
    const { done } = await publishFlights(log, {
      days,
      signal,
      observer: {
        onPhase: phase => (phase === 'publishing' || phase === 'committing') && onPhase(phase),
        onProgress({ lag }) {
          unpublished = lag
          onCommit()
        },
      },
    })
    if (done) unpublished = 0
  }
}

function isFinished(error: unknown): boolean {
  return isMillraceError(error, 'APP_FINISHED')
}
