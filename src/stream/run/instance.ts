/**
 * One running instance of an app: reads, processes, commits.
 *
 * The loop, in one place so that the order of things can be read. One pass is one turn of the event loop at
 * most (turn.ts):
 * 1. requests of the group (partitions given or taken) are served;
 * 2. the batch in hand continues, or the partition whose watermark is lowest (choose-batch.ts) gives the next
 *    one;
 * 3. time advances in the tasks, and what is due fires; as long as something is left of that, nothing else
 *    happens in them;
 * 4. a commit, when it is due (commits.ts), also in the middle of a batch, or of what fires.
 */
import { ActiveClock, type Clock, isMillraceError } from '../../base/index.ts'
import type { LogPort, Reader, TopicPartition, Writer } from '../../port/index.ts'
import { furthestAhead } from './record-ahead.ts'
import { chooseBatch } from './choose-batch.ts'
import { Assignment } from './assignment.ts'
import { WakeSignal } from './wake-signal.ts'
import { BoundedRun } from './bounded-run.ts'
import { allInputs, forgetRuns, refuseFinished, refuseUnreadExchanges } from './restart.ts'
import { Commits } from './commits.ts'
import { explained, explainedLoss } from './endings.ts'
import { awaits, clockStepMs, PassingTime } from '../task/idleness.ts'
import type { InputPartition } from '../task/input-partition.ts'
import { type InstanceContext, keyOf } from './instance-context.ts'
import { Metrics } from '../task/metrics.ts'
import { Outputs } from '../task/outputs.ts'
import type { Plan } from '../plan/plan.ts'
import { PreviousRun, unclaimedNotice } from './previous-run.ts'
import type { Progress, RunState } from './progress.ts'
import { RebalanceRequests } from './rebalance-requests.ts'
import type { RunSettings } from './run-options.ts'
import { announceUses } from '../plan/topic-uses.ts'
import { TopologyTopics } from '../plan/topology-topics.ts'
import { Turn } from './turn.ts'
import { Waiting } from './waiting.ts'

/** How long to wait for data before looking again. */
const idleWaitMs = 1000
/**
 * A stall counts as idleness for two of these, however long it is: well below any `idleAfter` that makes
 * sense.
 */
const activeStepMs = 50

export class Instance {
  readonly metrics: Metrics = new Metrics()
  readonly #context: InstanceContext
  readonly #bounds: BoundedRun
  readonly #passing: PassingTime
  readonly #wakeSignal = new WakeSignal()
  readonly #requests = new RebalanceRequests(this.#wakeSignal, {
    assign: partitions => this.#answering(this.#assign(partitions)),
    revoke: partitions => this.#answering(this.#revoke(partitions)),
  })

  #lock: { release(): Promise<void> } | undefined
  #writer!: Writer
  #reader!: Reader
  #outputs!: Outputs
  #assignment: Assignment | undefined
  #commits!: Commits
  #unclaimed: readonly string[] = []
  /** The input whose batch is in hand: loaded, and not through. */
  #current: InputPartition | undefined
  readonly #turn = new Turn()
  /** Everything that was due has fired. */
  #isQuiet = true
  readonly #waiting: Waiting
  #state: RunState = 'starting'
  #error: unknown
  /** Ends what a run that is stopped need not wait for: its start, and the restoring of state. */
  readonly #stopping = new AbortController()
  /** Until then nothing is processed: a stop has nothing to commit. */
  #hasBegun = false
  #finishing = false
  /** Why the group has taken the partitions away: this instance was expelled, or a topic is gone. */
  #lost: unknown
  /** What failed here while the group waited for an answer: it takes the partitions away for that. */
  #ownFailure: unknown
  /** Where the inputs stood last: once they are given away, there is nothing left to ask. */
  #standing: Pick<Progress, 'watermark' | 'lag'> = { watermark: Number.NEGATIVE_INFINITY, lag: 0 }

  constructor(app: string, plan: Plan, port: LogPort, clock: Clock, settings: RunSettings) {
    const topics = new TopologyTopics(port, app, settings.exchange)
    const active = new ActiveClock(clock, activeStepMs)
    const { metrics } = this
    this.#context = { app, plan, port, clock, active, settings, topics, metrics, turn: this.#turn }
    this.#passing = new PassingTime(clock, active)
    this.#bounds = new BoundedRun(port, settings.until)
    this.#waiting = new Waiting(settings.alignmentMs)
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
      const reason: unknown = this.#hasBegun ? undefined : this.#stopping.signal.reason
      // The group takes it for a failure of the member.
      const isStopped = error === reason && (this.#lost === undefined || this.#lost === reason)
      await this.#abandon()
      if (isStopped && reason !== undefined) {
        this.#state = 'stopped'
        return
      }
      const ended = { app, instance: settings.instance }
      if (this.#lost !== undefined) this.#error = explainedLoss(ended, this.#lost)
      else this.#error = this.#state === 'starting' ? error : explained(ended, error)
      this.#state = 'failed'
      throw this.#error
    } finally {
      release()
      signal?.removeEventListener('abort', stop)
    }
  }

  /** Commits what is complete, and leaves. Before the run has begun: does not begin it. */
  stop(): void {
    if (this.#state === 'starting' || this.#state === 'running') this.#state = 'stopping'
    this.#stopping.abort(new Error('the run is stopped'))
    this.#wakeSignal.wake()
  }

  /** Takes the input as it stands now for all there is: `until: 'end'`, decided later. */
  finish(): void {
    this.#finishing = true
    this.#wakeSignal.wake()
  }

  progress(): Progress {
    this.#standing = this.#standingNow() ?? this.#standing
    const inputs = this.#assignment?.inputs.values() ?? []
    const ahead = furthestAhead(inputs, this.#context.settings.alignmentMs)
    return {
      state: this.#state,
      ...(this.#state === 'failed' && { error: this.#error }),
      ...this.#standing,
      ...(this.#waiting.partitions.length > 0 && { waitsFor: this.#waiting.partitions }),
      ...(ahead && { ahead }),
      ...(this.#unclaimed.length > 0 && { unclaimed: this.#unclaimed }),
      records: this.metrics.records,
      metrics: this.metrics,
    }
  }

  #standingNow(): Pick<Progress, 'watermark' | 'lag'> | undefined {
    try {
      return this.#assignment?.standing
    } catch (error) {
      // A reader that was closed with its log has nothing to say; what it said last holds.
      if (isMillraceError(error)) return undefined
      throw error
    }
  }

  async #runToEnd(): Promise<void> {
    const assignment = await this.#open()
    this.#hasBegun = true
    if (this.#state === 'starting') this.#state = 'running'
    const held = this.#knowsIdleness ? this.#context.active.hold() : undefined
    try {
      await this.#loop(assignment)
    } finally {
      held?.cancel()
    }
    await this.#close()
  }

  get #knowsIdleness(): boolean {
    const sources = this.#context.plan.stages.flatMap(stage => stage.sources)
    return sources.some(({ topic }) => topic.watermark?.idleAfterMs !== undefined)
  }

  async #open(): Promise<Assignment> {
    const { app, plan, port, settings, topics } = this.#context
    if (settings.exchange === 'memory')
      this.#lock = await port.lock(
        `app ${app}`,
        `instance '${settings.instance}' of app '${app}', which exchanges in memory`,
      )
    await topics.lookUp(plan, this.#bounds.isBounded || this.#finishing, settings.onNotice)
    if (settings.restart) await forgetRuns(this.#context)
    const previous = await PreviousRun.of(this.#context, allInputs(this.#context))
    this.#unclaimed = previous.unclaimed
    if (previous.unclaimed.length > 0) settings.onNotice(unclaimedNotice(app, previous.unclaimed))
    await topics.create(plan, operator => previous.changelogsOf(operator))
    const unsaved = await previous.toSave()
    await refuseFinished(this.#context)
    if (settings.exchange === 'memory') await refuseUnreadExchanges(this.#context)
    await topics.prepareDeadLetters(plan, settings.onError)

    const transactional = { transactionalId: `${app}-${settings.instance}` }
    this.#writer = await port.openWriter(settings.exactlyOnce ? { ...transactional, app } : { app })
    this.#outputs = new Outputs(this.#writer, topics)
    this.#reader = await port.openReader({ isolation: 'read_committed' })
    const { signal } = this.#stopping
    const assignment = new Assignment(this.#context, previous, this.#outputs, this.#reader, signal)
    this.#assignment = assignment
    this.#commits = new Commits(this.#context, unsaved, this.#writer, this.#outputs, assignment)
    await this.#join(signal)
    return assignment
  }

  /**
   * Joins the group; takes and restores what it gives. Rejects with the reason of {@link #stopping} when the
   * run is stopped meanwhile.
   */
  async #join(signal: AbortSignal): Promise<void> {
    const { app, plan, port, topics } = this.#context
    signal.throwIfAborted()
    const joining = port.joinGroup({
      group: app,
      protocol: 'streams',
      topics: plan.stages.map(stage => topics.read(stage)).filter(({ length }) => length > 0),
      onAssigned: partitions => this.#requests.ask('assign', partitions),
      onRevoked: partitions => this.#requests.ask('revoke', partitions),
      onLost: (_, error) => {
        if (error !== this.#ownFailure) this.#lost ??= error
        this.#wakeSignal.wake()
      },
    })
    // The group may wait for its assignment to be taken: serve it meanwhile.
    const joined = joining.then(membership => {
      this.#commits.membership = membership
      // The group has answered a run that is over.
      if (signal.aborted) void membership.leave().catch(() => undefined)
    })
    const stopped = Promise.withResolvers<never>()
    const stop = (): void => stopped.reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    try {
      await Promise.race([this.#requests.serveUntil(joined), stopped.promise])
      await joined
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  async #loop(assignment: Assignment): Promise<void> {
    const { clock, settings } = this.#context
    const { inputs } = assignment
    const bounds = this.#bounds
    this.#turn.begin(clock.monotonic())
    for (;;) {
      if (this.#lost === undefined) await this.#requests.serve()
      if (this.#lost !== undefined) throw this.#lost
      if (this.#stopping.signal.aborted) return
      if (this.#finishing) {
        this.#finishing = false
        bounds.finish()
      }
      await bounds.findEnds(inputs)

      // While something fires nothing else happens in the tasks, but commits and requests do.
      const isBusy = !this.#isQuiet || this.#current !== undefined || this.#takeBatch(assignment)
      // A pass that only continued with firing has not looked for the end of the inputs.
      const wasQuiet = this.#isQuiet
      let isPassing = false
      if (wasQuiet) {
        if (this.#current) this.#process(this.#current)
        if (!this.#current) bounds.endInputs(inputs.values())
        isPassing = !bounds.isBounded && this.#passTime(assignment)
      }
      this.#isQuiet = this.#advance(assignment)
      const now = clock.monotonic()
      let wakeAt = now + (isPassing ? clockStepMs : idleWaitMs)
      if (this.#isQuiet) for (const task of assignment.tasks.all()) wakeAt = Math.min(wakeAt, task.tick(now))

      const readAll =
        wasQuiet && this.#isQuiet && !this.#current && bounds.hasReadAll(inputs.values(), this.#reader)
      if (readAll || now >= this.#commits.dueAt || assignment.dirtyBytes >= settings.dirtyBytesMax)
        await this.#commits.commit()
      if (readAll && !this.#commits.isBehind && (await bounds.isDone(inputs, this.#reader)))
        return bounds.end()
      await this.#outputs.relieved()
      if (!isBusy && this.#isQuiet) {
        if (
          !bounds.isBounded &&
          this.#waiting.look(inputs.values(), this.#reader, assignment.tasks.all(), now)
        )
          settings.onNotice(this.#waiting.message(this.#context.app))
        if (this.#commits.hasUncommitted) wakeAt = Math.min(wakeAt, this.#commits.dueAt)
        await this.#waitForData(Math.max(1, wakeAt - now))
        this.#turn.begin(clock.monotonic())
      } else if (this.#turn.isOver(clock.monotonic())) {
        await clock.yield()
        this.#turn.begin(clock.monotonic())
      }
    }
  }

  /** Loads the next batch, if there is one to continue with. */
  #takeBatch({ inputs }: Assignment): boolean {
    const { settings } = this.#context
    const next = chooseBatch(inputs.values(), this.#reader, settings.alignmentMs, input =>
      this.#bounds.isAtEnd(input, this.#reader),
    )
    if (!next) return false
    settings.onPhase('processing')
    next.input.load(next.batch)
    this.#current = next.input
    return true
  }

  /** Processes records of the batch in hand, for a turn at most. */
  #process(input: InputPartition): void {
    const { clock } = this.#context
    const turn = this.#turn
    let through = false
    for (let now = clock.monotonic(); !through && !turn.isOver(now);) {
      const since = now
      const before = input.processed
      through = input.run(turn.records)
      const records = input.processed - before
      if (input.source) this.metrics.records += records
      now = clock.monotonic()
      turn.ran(records, since, now)
      // What one record made due takes a turn of its own.
      if (input.isFiring) break
    }
    if (through) this.#current = undefined
  }

  /** Time passes without data where it does. Returns whether it may. */
  #passTime({ inputs, tasks }: Assignment): boolean {
    const isExchanged = this.#context.settings.exchange === 'topic'
    return this.#passing.pass(
      inputs.values(),
      this.#reader,
      watermark => isExchanged || awaits(tasks.all(), watermark),
    )
  }

  /** What is due fires, upstream first, for a turn at most. Returns whether all of it has. */
  #advance({ tasks }: Assignment): boolean {
    const { clock } = this.#context
    const turn = this.#turn
    for (;;) {
      const since = clock.monotonic()
      if (tasks.advance(() => turn.isOver(clock.monotonic()))) return true
      const now = clock.monotonic()
      turn.fired(since, now)
      if (turn.isOver(now)) return false
    }
  }

  /**
   * Notes what an answer to the group fails with: the run ends with that, and not with what the group makes
   * of it.
   */
  async #answering(answer: Promise<void>): Promise<void> {
    try {
      await answer
    } catch (error) {
      this.#ownFailure = error
      throw error
    }
  }

  async #assign(partitions: readonly TopicPartition[]): Promise<void> {
    const restored = await this.#restored(partitions)
    for (const { input, metadata } of restored) this.#commits.begins(input, metadata)
    this.#bounds.partitionsChanged()
    // Firing that the last commit found incomplete comes before any record.
    this.#isQuiet = false
  }

  async #restored(partitions: readonly TopicPartition[]): ReturnType<Assignment['add']> {
    try {
      return (await this.#assignment?.add(partitions)) ?? []
    } catch (error) {
      if (!this.#hasBegun || error !== this.#stopping.signal.reason) throw error
      // Nothing of them was processed: they go back as they came.
      this.#assignment?.remove(partitions)
      return []
    }
  }

  /** Commits before giving partitions away: their next owner continues there. */
  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    const assignment = this.#assignment
    if (!assignment) return
    await this.#commits.commit()
    assignment.remove(partitions)
    this.#commits.forget(partitions)
    // What is left of a batch in hand is the next owner's.
    if (this.#current && !assignment.inputs.has(keyOf(this.#current))) this.#current = undefined
  }

  async #waitForData(timeoutMs: number): Promise<void> {
    const over = new AbortController()
    await Promise.race([this.#reader.wait(timeoutMs, over.signal), this.#wakeSignal.wait()])
    over.abort('heard') // without a reason it would make an error, with its stack
  }

  async #close(): Promise<void> {
    await this.#commits.commit()
    this.progress()
    const leaving = this.#commits.membership?.leave()
    if (leaving) await this.#requests.serveUntil(leaving)
    await leaving
    await this.#writer.close()
    await this.#reader.close()
    await this.#lock?.release()
  }

  /**
   * After a failure: nothing more is committed, everything is let go. What fails meanwhile is not what went
   * wrong.
   */
  async #abandon(): Promise<void> {
    const ignore = (error: unknown): void => {
      if (!isMillraceError(error) && !(error instanceof Error)) throw error
    }
    this.progress()
    this.#assignment = undefined
    if (this.#context.settings.exactlyOnce) await this.#writer?.abort().catch(ignore)
    await this.#writer?.close().catch(ignore)
    // The next owner of the partitions continues from the last commit.
    this.#requests.refuse()
    await this.#commits?.membership?.leave().catch(ignore)
    await this.#reader?.close().catch(ignore)
    await this.#lock?.release().catch(ignore)
  }
}
