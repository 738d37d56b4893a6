/**
 * Commits, which make a run exactly once.
 *
 * One transaction holds everything that the records since the last commit have led to:
 * - the records written to topics and exchanges;
 * - the changes of state (the changelogs);
 * - the offsets up to which inputs were read, each with its watermark.
 *
 * Either all of it counts or none. The next run from these offsets finds the state, the outputs and the event
 * time that belong to them. The transaction carries the group's generation. So an instance whose partitions
 * have another owner by now commits nothing.
 *
 * A commit happens between two records: the committed watermark says what has fired. It may also happen while
 * firing is incomplete, because the watermark made much due. Then the tasks keep as state how far they have
 * come.
 *
 * At least once does the same without the transaction, offsets last. After a crash in between, records that
 * had been written are written again.
 */
import type { OffsetCommit, TopicPartition, Writer } from '../../port/index.ts'
import { fromUtf8 } from '../../base/index.ts'
import { writeChangesInSteps } from '../../state/index.ts'
import { BatchBuilder } from '../../wire/index.ts'
import { WatermarkAnnouncements } from './watermark-announcements.ts'
import type { Assignment } from './assignment.ts'
import { ExchangeEnds, withNote } from './exchange-ends.ts'
import { withPlanMark } from '../task/committed-metadata.ts'
import type { InputPartition } from '../task/input-partition.ts'
import { type InstanceContext, keyOf } from './instance-context.ts'
import type { Membership } from './membership.ts'
import type { Outputs } from '../task/outputs.ts'
import { GrownInputs } from './grown-inputs.ts'
import { Purge } from './purge.ts'
import { planTopic } from '../plan/own-topics.ts'
import { digestOf, type UnsavedPlan } from '../plan/saved-plan.ts'

export class Commits {
  readonly #context: InstanceContext
  readonly #writer: Writer
  readonly #outputs: Outputs
  readonly #assignment: Assignment
  readonly #membership: Membership
  readonly #announcements: WatermarkAnnouncements
  readonly #exchangeEnds: ExchangeEnds
  readonly #purge: Purge
  readonly #grownInputs: GrownInputs
  /** The plan, until it is committed. */
  #unsaved: UnsavedPlan | undefined
  /** The committed offset and metadata of each input. */
  #marks = new Map<string, string>()
  #committedAt: number

  /** `unsaved`: the plan, if the last commit was made under another one. */
  constructor(
    context: InstanceContext,
    unsaved: UnsavedPlan | undefined,
    writer: Writer,
    outputs: Outputs,
    assignment: Assignment,
    membership: Membership,
  ) {
    this.#unsaved = unsaved
    this.#context = context
    this.#writer = writer
    this.#outputs = outputs
    this.#assignment = assignment
    this.#membership = membership
    this.#announcements = new WatermarkAnnouncements(context, outputs)
    this.#exchangeEnds = new ExchangeEnds(context, outputs)
    this.#purge = new Purge(context)
    this.#grownInputs = new GrownInputs(context)
    this.#committedAt = context.clock.monotonic()
  }

  /** An input begins at the commit of its last owner, or of the last run, with this metadata. */
  begins(input: InputPartition, metadata: string | undefined): void {
    this.#marks.set(keyOf(input), markOf(input))
    this.#exchangeEnds.begins(metadata)
    this.#purge.begins(input)
  }

  /** Forgets inputs that have another owner now. */
  forget(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#marks.delete(keyOf(partition))
    this.#purge.forget(partitions)
  }

  /** When the next commit is due, by the monotonic clock. */
  get dueAt(): number {
    return this.#committedAt + this.#context.settings.commitIntervalMs
  }

  get hasUncommitted(): boolean {
    if (this.#outputs.hasUncommitted || this.#unsaved?.isDue) return true
    if (this.isBehind) return true
    for (const input of this.#assignment.inputs.values())
      if (this.#marks.get(keyOf(input)) !== markOf(input)) return true
    return false
  }

  /** Whether the tasks downstream have yet to be told what is committed. */
  get isBehind(): boolean {
    return this.#announcements.isBehind
  }

  /** Commits everything up to here. */
  async commit(): Promise<void> {
    const { app, clock, settings, metrics } = this.#context
    this.#committedAt = clock.monotonic()
    const timestamp = clock.now()
    const unfired = !this.#assignment.tasks.suspend()
    for (const input of this.#assignment.inputs.values()) input.unfired = unfired
    this.#announcements.announce(this.#assignment.tasks.all(), timestamp)
    this.#outputs.flush()
    for (const each of this.#assignment.states) {
      const changes = await this.#inTurns(each.state.changesInSteps())
      await this.#inTurns(
        writeChangesInSteps(
          each.changelog,
          each.stale.length > 0 ? [...each.stale, ...changes] : changes,
          timestamp,
          (topic, partition, batch) =>
            this.#outputs.append(topic, partition, batch, nextOffset => {
              each.changelogEnd = nextOffset
            }),
        ),
      )
    }
    if (!this.hasUncommitted) {
      // There is nothing to commit. An instance that was replaced learns of it all the same.
      if (settings.exactlyOnce) await this.#writer.commit()
      return
    }
    settings.onPhase('committing')
    const plan = this.#savePlan(timestamp)
    await this.#outputs.settled()
    const { offsets, marks } = this.#progress()
    for (const { changelog, changelogEnd } of this.#assignment.states) {
      const { topic, partition } = changelog
      const mark = String(changelogEnd)
      marks.set(keyOf(changelog), mark)
      if (changelogEnd > 0 && this.#marks.get(keyOf(changelog)) !== mark)
        offsets.push({ topic, partition, offset: changelogEnd })
    }
    if (plan) offsets.push(plan())
    const membership = this.#membership.current
    if (settings.exactlyOnce && membership)
      await membership.committing(committer => this.#writer.commit({ ...committer, offsets }))
    else if (settings.exactlyOnce) await this.#writer.commit({ group: app, offsets })
    else if (membership) await membership.commit(offsets)
    this.#outputs.committed()
    this.#announcements.committed()
    this.#unsaved = undefined
    for (const each of this.#assignment.states) {
      await this.#inTurns(each.state.committedInSteps(each.changelogEnd))
      each.stale = []
    }
    this.#marks = marks
    this.#purge.committed(this.#assignment.inputs.values())
    this.#grownInputs.committed()
    metrics.commits += 1
    settings.onPhase('committed')
  }

  /** Resolves when nothing that a commit began continues beside it. */
  async settled(): Promise<void> {
    await this.#purge.settled()
    await this.#grownInputs.settled()
  }

  /** Does all steps, and lets the event loop turn if they take long. Nothing is processed meanwhile. */
  async #inTurns<T>(steps: Generator<void, T>): Promise<T> {
    const { clock, turn } = this.#context
    for (;;) {
      const { done, value } = steps.next()
      if (done) return value
      if (!turn.isOver(clock.monotonic())) continue
      await clock.yield()
      turn.begin(clock.monotonic())
    }
  }

  /**
   * Writes the plan if it is not committed. Returns a function that gives the plan's offset to commit, once
   * the plan is written.
   */
  #savePlan(timestamp: number): (() => OffsetCommit) | undefined {
    if (!this.#unsaved) return undefined
    const { plan } = this.#unsaved
    const topic = planTopic(this.#context.app)
    const batch = new BatchBuilder()
    batch.append(timestamp, null, fromUtf8(JSON.stringify(plan)))
    let offset = 0
    this.#outputs.append(topic, 0, batch, nextOffset => {
      offset = nextOffset
    })
    return () => ({ topic, partition: 0, offset, metadata: digestOf(plan) })
  }

  /**
   * The marks of all inputs, and the offsets of those that have changed since the last commit. Everything
   * that was written has been acknowledged.
   */
  #progress(): { readonly offsets: OffsetCommit[]; readonly marks: Map<string, string> } {
    const offsets: OffsetCommit[] = []
    const marks = new Map<string, string>()
    const { inputs, tasks } = this.#assignment
    const metadata = new Map([...inputs].map(([key, input]) => [key, withPlanMark(input.metadata())]))
    const notes = this.#exchangeEnds.notes(tasks.all(), metadata)
    for (const [key, input] of inputs) {
      const { topic, partition, position: offset, leaderEpoch } = input
      const mark = markOf(input)
      const note = notes.get(key)
      marks.set(key, mark)
      if (note !== undefined) marks.set(noteKey(key), note)
      if (this.#marks.get(key) !== mark || this.#marks.get(noteKey(key)) !== note)
        offsets.push({
          topic,
          partition,
          offset,
          leaderEpoch,
          metadata: withNote(metadata.get(key) ?? '', note),
        })
    }
    return { offsets, marks }
  }
}

/** The key of the mark for an input's note. */
function noteKey(input: string): string {
  return `${input} sent`
}

function markOf(input: InputPartition): string {
  return `${input.position} ${input.metadata()}`
}
