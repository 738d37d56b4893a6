/**
 * One running instance of an app, from its start (start.ts) through its loop (loop.ts) to its end: stopped,
 * finished or failed. It also gives the progress of the run.
 */
import { ActiveClock, type Clock, isMillraceError } from '../../base/index.ts'
import type { LogPort } from '../../port/index.ts'
import type { Plan } from '../plan/plan.ts'
import { announceUses } from '../plan/topic-uses.ts'
import { TopologyTopics } from '../plan/topology-topics.ts'
import { Metrics } from '../task/metrics.ts'
import { BoundedRun } from './bounded-run.ts'
import { explained, explainedLoss } from './endings.ts'
import type { InstanceContext } from './instance-context.ts'
import { Loop } from './loop.ts'
import type { Progress, RunState } from './progress.ts'
import type { RunSettings } from './run-options.ts'
import { startRun } from './start.ts'
import { Turn } from './turn.ts'
import { WakeSignal } from './wake-signal.ts'

/**
 * A stall counts as idleness for at most two of these, however long it is. That is well below any sensible
 * `idleAfter`.
 */
const activeStepMs = 50

export class Instance {
  readonly metrics: Metrics = new Metrics()
  readonly #context: InstanceContext
  readonly #bounds: BoundedRun
  readonly #wakeSignal = new WakeSignal()
  readonly #stopping = new AbortController()
  /** Undefined while the run starts. */
  #loop: Loop | undefined
  #state: RunState = 'starting'
  #error: unknown
  #unclaimed: readonly string[] = []
  /** The last known position of the inputs: once they are given away, there is nothing left to ask. */
  #standing: Pick<Progress, 'watermark' | 'lag'> = { watermark: Number.NEGATIVE_INFINITY, lag: 0 }

  constructor(app: string, plan: Plan, port: LogPort, clock: Clock, settings: RunSettings) {
    const topics = new TopologyTopics(port, app, settings.exchange)
    const active = new ActiveClock(clock, activeStepMs)
    const { metrics } = this
    this.#context = { app, plan, port, clock, active, settings, topics, metrics, turn: new Turn() }
    this.#bounds = new BoundedRun(port, settings.until)
  }

  /** Runs until stopped, finished or failed. */
  async run(): Promise<void> {
    const { app, plan, port, settings } = this.#context
    const { signal } = settings
    const release = announceUses(port, app, plan)
    const stop = (): void => this.stop()
    signal?.addEventListener('abort', stop, { once: true })
    if (signal?.aborted) stop()
    try {
      if (!this.#stopping.signal.aborted) await this.#runToEnd()
      this.#state = this.#bounds.isFinished ? 'finished' : 'stopped'
    } catch (error) {
      const { hasBegun = false, lost } = this.#loop ?? {}
      const reason: unknown = hasBegun ? undefined : this.#stopping.signal.reason
      // The group reports a stop as a failure of the member: then `lost` is the reason of the stop.
      const isStopped = error === reason && (lost === undefined || lost === reason)
      this.progress()
      await this.#loop?.abandon()
      if (isStopped && reason !== undefined) {
        this.#state = 'stopped'
        return
      }
      const ended = { app, instance: settings.instance }
      if (lost !== undefined) this.#error = explainedLoss(ended, lost)
      else this.#error = this.#state === 'starting' ? error : explained(ended, error)
      this.#state = 'failed'
      throw this.#error
    } finally {
      release()
      signal?.removeEventListener('abort', stop)
    }
  }

  /** Commits everything that is complete, and leaves. A run that has not begun does not begin. */
  stop(): void {
    if (this.#state === 'starting' || this.#state === 'running') this.#state = 'stopping'
    this.#stopping.abort(new Error('the run is stopped'))
    this.#wakeSignal.wake()
  }

  /** Takes the present end of the input as the end of time: `until: 'end'`, decided later. */
  finish(): void {
    this.#bounds.finish()
    this.#wakeSignal.wake()
  }

  progress(): Progress {
    this.#standing = this.#standingNow() ?? this.#standing
    return {
      state: this.#state,
      ...(this.#state === 'failed' && { error: this.#error }),
      ...this.#standing,
      ...this.#loop?.obstacles,
      ...(this.#unclaimed.length > 0 && { unclaimed: this.#unclaimed }),
      records: this.metrics.records,
      metrics: this.metrics,
    }
  }

  #standingNow(): Pick<Progress, 'watermark' | 'lag'> | undefined {
    try {
      return this.#loop?.standing
    } catch (error) {
      // A reader that was closed with its log gives no position: the last known one holds.
      if (isMillraceError(error)) return undefined
      throw error
    }
  }

  async #runToEnd(): Promise<void> {
    const started = await startRun(this.#context, this.#bounds)
    this.#unclaimed = started.previous.unclaimed
    const { signal } = this.#stopping
    const loop = (this.#loop = new Loop(this.#context, started, this.#bounds, this.#wakeSignal, signal))
    await loop.join()
    if (this.#state === 'starting') this.#state = 'running'
    await loop.run()
    await loop.commit()
    this.progress()
    await loop.close()
  }
}
