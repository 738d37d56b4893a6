/**
 * The loop of a run: reads, processes, commits. It is in one place so that the order of its steps can be
 * read.
 *
 * One pass is at most one turn of the event loop (turn.ts):
 * 1. Requests of the group (partitions given or taken) are served, and global tables take what is new.
 * 2. The batch in hand continues. If there is none, the partition whose watermark is lowest (choose-batch.ts)
 *    gives the next batch.
 * 3. Time advances in the tasks, and what is due fires. Until all of it has fired, nothing else happens in
 *    the tasks.
 * 4. A commit happens when it is due (commits.ts), also in the middle of a batch or of firing.
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
import { GlobalTables } from './global-tables.ts'
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
  readonly #globals: GlobalTables
  readonly #assignment: Assignment
  readonly #membership: Membership
  readonly #commits: Commits
  readonly #passing: PassingTime
  readonly #waiting: Waiting
  readonly #turn: Turn
  /** The input whose batch is loaded, and not done. */
  #current: InputPartition | undefined
  /** Whether everything that was due has fired. */
  #isQuiet = true
  #hasBegun = false
  #isAbandoned = false

  /**
   * `stopping`: ends the run. It also ends what a stopped run need not wait for, as the restoring of state.
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
    this.#globals = new GlobalTables(context)
    this.#assignment = new Assignment(
      context,
      previous.continuation,
      this.#outputs,
      this.#globals,
      reader,
      stopping,
      () => wakeSignal.wake(),
    )
    this.#membership = new Membership(context, wakeSignal, {
      assign: partitions => this.#assign(partitions),
      revoke: partitions => this.#revoke(partitions),
    })
    this.#commits = new Commits(context, unsaved, writer, this.#outputs, this.#assignment, this.#membership)
    this.#passing = new PassingTime(clock, active)
    this.#waiting = new Waiting(settings.alignmentMs)
  }

  /**
   * Fills the global tables, joins the group, and restores the state of the partitions that it gives. No
   * record is processed before.
   */
  async join(): Promise<void> {
    await this.#globals.fill(this.#stopping)
    await this.#membership.join(this.#stopping)
    this.#hasBegun = true
  }

  /** Whether the instance has joined the group: a stop before that has nothing to commit. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** Why the group has taken the partitions away. */
  get lost(): unknown {
    return this.#membership.lost
  }

  /** The position of the inputs; undefined without any, and once they are given away. */
  get standing(): Pick<Progress, 'watermark' | 'lag'> | undefined {
    return this.#isAbandoned ? undefined : this.#assignment.standing
  }

  /** The partitions and the record that keep results back. */
  get obstacles(): Pick<Progress, 'waitsFor' | 'ahead'> {
    const waitsFor = this.#waiting.partitions
    const inputs = this.#isAbandoned ? [] : this.#assignment.inputs.values()
    const ahead = furthestAhead(inputs, this.#context.settings.alignmentMs)
    return { ...(waitsFor.length > 0 && { waitsFor }), ...(ahead && { ahead }) }
  }

  /** Runs until it is stopped, reaches its end, or fails. */
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

  /** Leaves the group, and releases the log. */
  async close(): Promise<void> {
    const { lock, reader, writer } = this.#started
    await this.#commits.settled()
    await this.#membership.leave()
    await writer.close()
    await this.#globals.close()
    await reader.close()
    await lock?.release()
  }

  /** After a failure: commits nothing more, and releases everything. */
  async abandon(): Promise<void> {
    const { lock, reader, writer } = this.#started
    this.#isAbandoned = true
    if (this.#context.settings.exactlyOnce) await quietly(writer.abort())
    await quietly(writer.close())
    await quietly(this.#membership.abandon())
    await quietly(this.#globals.close())
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
      const isFollowing = !bounds.isBounded && this.#globals.take()

      // While something fires, nothing else happens in the tasks. Commits and requests still happen.
      const isBusy = !this.#isQuiet || this.#current !== undefined || this.#takeBatch() || isFollowing
      // A pass that only continued firing has not looked for the end of the inputs.
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
      for (const task of assignment.tasks.all()) if (task.time.isBehind) this.#isQuiet = false

      const readAll =
        wasQuiet &&
        this.#isQuiet &&
        !this.#current &&
        !this.#isHeld &&
        bounds.hasReadAll(inputs.values(), this.#reader)
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

  /** Whether operators wait for something outside. */
  get #isHeld(): boolean {
    for (const task of this.#assignment.tasks.all()) if (task.time.isHeld) return true
    return false
  }

  /** Whether an operator waits for as much as it can hold: nothing more is read. */
  get #isFull(): boolean {
    for (const task of this.#assignment.tasks.all()) if (task.time.isFull) return true
    return false
  }

  /** Loads the next batch, if there is one and it is wanted. */
  #takeBatch(): boolean {
    const { settings } = this.#context
    if (this.#isFull) return false
    const next = chooseBatch(this.#assignment.inputs.values(), this.#reader, settings.alignmentMs, input =>
      this.#bounds.isAtEnd(input, this.#reader),
    )
    if (!next) return false
    settings.onPhase('processing')
    next.input.load(next.batch)
    this.#current = next.input
    return true
  }

  /** Processes records of the batch in hand, for at most one turn. */
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

  /** Lets time pass for inputs without data. Returns whether it passes for any of them. */
  #passTime(): boolean {
    const { inputs, tasks } = this.#assignment
    const isExchanged = this.#context.settings.exchange === 'topic'
    return this.#passing.pass(
      inputs.values(),
      this.#reader,
      watermark => isExchanged || awaits(tasks.all(), watermark),
    )
  }

  /** Fires what is due, upstream first, for at most one turn. Returns whether all of it has fired. */
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
      // Nothing of these partitions was processed: they are given back as they came.
      this.#assignment.remove(partitions)
      return []
    }
  }

  /** Commits before giving partitions away: their next owner continues there. */
  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#commits.commit()
    this.#assignment.remove(partitions)
    this.#commits.forget(partitions)
    // The next owner processes the rest of a batch in hand.
    if (this.#current && !this.#assignment.inputs.has(keyOf(this.#current))) this.#current = undefined
  }

  async #waitForData(timeoutMs: number): Promise<void> {
    const over = new AbortController()
    const data = this.#isFull
      ? this.#context.clock.sleep(timeoutMs, over.signal).catch(() => {})
      : this.#reader.wait(timeoutMs, over.signal)
    const waits = [data, this.#wakeSignal.wait()]
    const follow = this.#bounds.isBounded ? undefined : this.#globals.wait(timeoutMs, over.signal)
    if (follow) waits.push(follow)
    await Promise.race(waits)
    over.abort('heard') // without a reason, abort() makes an error with a stack
  }
}
