/**
 * The loop of a run: reads, processes, commits. It is in one place so that the order of things can be read.
 *
 * One pass is one turn of the event loop at most (turn.ts):
 * 1. requests of the group (partitions given or taken) are served;
 * 2. the batch in hand continues, or the partition whose watermark is lowest (choose-batch.ts) gives the next
 *    one;
 * 3. time advances in the tasks, and what is due fires; as long as something is left of that, nothing else
 *    happens in them;
 * 4. a commit, when it is due (commits.ts), also in the middle of a batch, or of what fires.
 */
import type { Reader, TopicPartition } from '../../port/index.ts'
import { awaits, clockStepMs, PassingTime } from '../task/idleness.ts'
import type { InputPartition } from '../task/input-partition.ts'
import { Outputs } from '../task/outputs.ts'
import { Assignment } from './assignment.ts'
import type { BoundedRun } from './bounded-run.ts'
import { chooseBatch } from './choose-batch.ts'
import { Commits } from './commits.ts'
import { type InstanceContext, keyOf } from './instance-context.ts'
import { Membership } from './membership.ts'
import type { Progress } from './progress.ts'
import { furthestAhead } from './record-ahead.ts'
import { quietly, type Started } from './start.ts'
import type { Turn } from './turn.ts'
import { Waiting } from './waiting.ts'
import type { WakeSignal } from './wake-signal.ts'

/** How long to wait for data before looking again. */
const idleWaitMs = 1000

export class Loop {
  readonly #context: InstanceContext
  readonly #started: Started
  readonly #bounds: BoundedRun
  readonly #wakeSignal: WakeSignal
  readonly #stopping: AbortSignal
  readonly #reader: Reader
  readonly #outputs: Outputs
  readonly #assignment: Assignment
  readonly #membership: Membership
  readonly #commits: Commits
  readonly #passing: PassingTime
  readonly #waiting: Waiting
  readonly #turn: Turn
  /** The input whose batch is in hand: loaded, and not through. */
  #current: InputPartition | undefined
  /** Everything that was due has fired. */
  #isQuiet = true
  #hasBegun = false
  #isAbandoned = false

  /**
   * `stopping`: ends the run, and what a run that is stopped need not wait for, as the restoring of state.
   */
  constructor(
    context: InstanceContext,
    started: Started,
    bounds: BoundedRun,
    wakeSignal: WakeSignal,
    stopping: AbortSignal,
  ) {
    const { active, clock, settings, topics, turn } = context
    const { previous, reader, unsaved, writer } = started
    this.#context = context
    this.#started = started
    this.#bounds = bounds
    this.#wakeSignal = wakeSignal
    this.#stopping = stopping
    this.#reader = reader
    this.#turn = turn
    this.#outputs = new Outputs(writer, topics)
    this.#assignment = new Assignment(context, previous.continuation, this.#outputs, reader, stopping)
    this.#membership = new Membership(context, wakeSignal, {
      assign: partitions => this.#assign(partitions),
      revoke: partitions => this.#revoke(partitions),
    })
    this.#commits = new Commits(context, unsaved, writer, this.#outputs, this.#assignment, this.#membership)
    this.#passing = new PassingTime(clock, active)
    this.#waiting = new Waiting(settings.alignmentMs)
  }

  /** Joins the group, and restores the state of what it gives. Nothing is processed before. */
  async join(): Promise<void> {
    await this.#membership.join(this.#stopping)
    this.#hasBegun = true
  }

  /** Whether it has joined: a stop before that has nothing to commit. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** Why the group has taken the partitions away. */
  get lost(): unknown {
    return this.#membership.lost
  }

  /** Where the inputs are; undefined without any, and once they are given away. */
  get standing(): Pick<Progress, 'watermark' | 'lag'> | undefined {
    return this.#isAbandoned ? undefined : this.#assignment.standing
  }

  /** What keeps results back. */
  get obstacles(): Pick<Progress, 'waitsFor' | 'ahead'> {
    const waitsFor = this.#waiting.partitions
    const inputs = this.#isAbandoned ? [] : this.#assignment.inputs.values()
    const ahead = furthestAhead(inputs, this.#context.settings.alignmentMs)
    return { ...(waitsFor.length > 0 && { waitsFor }), ...(ahead && { ahead }) }
  }

  /** Runs until it is stopped, has come to its end, or fails. */
  async run(): Promise<void> {
    const held = this.#knowsIdleness ? this.#context.active.hold() : undefined
    try {
      await this.#loop()
    } finally {
      held?.cancel()
    }
  }

  /** Commits what is complete. */
  async commit(): Promise<void> {
    await this.#commits.commit()
  }

  /** Leaves the group, and lets go of the log. */
  async close(): Promise<void> {
    const { lock, reader, writer } = this.#started
    await this.#membership.leave()
    await writer.close()
    await reader.close()
    await lock?.release()
  }

  /** After a failure: nothing more is committed, everything is let go. */
  async abandon(): Promise<void> {
    const { lock, reader, writer } = this.#started
    this.#isAbandoned = true
    if (this.#context.settings.exactlyOnce) await quietly(writer.abort())
    await quietly(writer.close())
    await quietly(this.#membership.abandon())
    await quietly(reader.close())
    await quietly(lock?.release())
  }

  get #knowsIdleness(): boolean {
    const sources = this.#context.plan.stages.flatMap(stage => stage.sources)
    return sources.some(({ topic }) => topic.watermark?.idleAfterMs !== undefined)
  }

  async #loop(): Promise<void> {
    const { clock, settings } = this.#context
    const assignment = this.#assignment
    const { inputs } = assignment
    const bounds = this.#bounds
    this.#turn.begin(clock.monotonic())
    for (;;) {
      await this.#membership.serve()
      if (this.#stopping.aborted) return
      await bounds.findEnds(inputs)

      // While something fires nothing else happens in the tasks, but commits and requests do.
      const isBusy = !this.#isQuiet || this.#current !== undefined || this.#takeBatch()
      // A pass that only continued with firing has not looked for the end of the inputs.
      const wasQuiet = this.#isQuiet
      let isPassing = false
      if (wasQuiet) {
        if (this.#current) this.#process(this.#current)
        if (!this.#current) bounds.endInputs(inputs.values())
        isPassing = !bounds.isBounded && this.#passTime()
      }
      this.#isQuiet = this.#advance()
      const now = clock.monotonic()
      let wakeAt = now + (isPassing ? clockStepMs : idleWaitMs)
      if (this.#isQuiet)
        for (const task of assignment.tasks.all()) wakeAt = Math.min(wakeAt, task.time.tick(now))

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
  #takeBatch(): boolean {
    const { settings } = this.#context
    const next = chooseBatch(this.#assignment.inputs.values(), this.#reader, settings.alignmentMs, input =>
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
    const { clock, metrics } = this.#context
    const turn = this.#turn
    let through = false
    for (let now = clock.monotonic(); !through && !turn.isOver(now);) {
      const since = now
      const before = input.processed
      through = input.run(turn.records)
      const records = input.processed - before
      if (input.source) metrics.records += records
      now = clock.monotonic()
      turn.ran(records, since, now)
      // The results that one record made due take their own turn.
      if (input.isFiring) break
    }
    if (through) this.#current = undefined
  }

  /** Time passes without data where it does. Returns whether it may. */
  #passTime(): boolean {
    const { inputs, tasks } = this.#assignment
    const isExchanged = this.#context.settings.exchange === 'topic'
    return this.#passing.pass(
      inputs.values(),
      this.#reader,
      watermark => isExchanged || awaits(tasks.all(), watermark),
    )
  }

  /** What is due fires, upstream first, for a turn at most. Returns whether all of it has. */
  #advance(): boolean {
    const { clock } = this.#context
    const { tasks } = this.#assignment
    const turn = this.#turn
    for (;;) {
      const since = clock.monotonic()
      if (tasks.advance(() => turn.isOver(clock.monotonic()))) return true
      const now = clock.monotonic()
      turn.fired(since, now)
      if (turn.isOver(now)) return false
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
      return await this.#assignment.add(partitions)
    } catch (error) {
      if (!this.#hasBegun || error !== this.#stopping.reason) throw error
      // Nothing of them was processed: they go back as they came.
      this.#assignment.remove(partitions)
      return []
    }
  }

  /** Commits before giving partitions away: their next owner continues there. */
  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#commits.commit()
    this.#assignment.remove(partitions)
    this.#commits.forget(partitions)
    // What is left of a batch in hand is the next owner's.
    if (this.#current && !this.#assignment.inputs.has(keyOf(this.#current))) this.#current = undefined
  }

  async #waitForData(timeoutMs: number): Promise<void> {
    const over = new AbortController()
    await Promise.race([this.#reader.wait(timeoutMs, over.signal), this.#wakeSignal.wait()])
    over.abort('heard') // without a reason it would make an error, with its stack
  }
}
