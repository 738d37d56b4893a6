/**
 * What a task continues from, partition by partition: the offset of an input, and the state that belongs to
 * it. Offsets and changelogs are in different files, so each is compared with the last commit. One that is
 * not proved to fit is refused.
 */
import { MillraceError } from '../../base/index.ts'
import type { OffsetCommit, TopicPartition } from '../../port/index.ts'
import type { Restored } from '../../state/index.ts'
import type { SavedPlan } from '../plan/saved-plan.ts'
import { uncountedMs } from '../plan/own-topic-configs.ts'
import type { StartOfInput } from '../task/input-partition.ts'
import { lastBatchIn } from '../task/committed-metadata.ts'
import { holdsBatch } from '../task/last-batch.ts'
import { cannotContinue, restoreFolder } from './cannot-continue.ts'
import type { InstanceContext } from './instance-context.ts'

/** What is known of the previous run. */
export interface LastCommit {
  /** Its plan; undefined for a new app, and after 0.1.0, which kept no plan. */
  readonly saved: SavedPlan | undefined
  /** Whether the app has committed anything. */
  readonly hasRun: boolean
  /** Whether operators of this program keep state. */
  readonly keepsState: boolean
}

export class Continuation {
  readonly #context: InstanceContext
  readonly #last: LastCommit

  constructor(context: InstanceContext, last: LastCommit) {
    this.#context = context
    this.#last = last
  }

  /**
   * The offset that an input continues from, with its metadata.
   *
   * @throws MillraceError OFFSET_OUT_OF_RANGE for an offset that the topic does not have, STATE_INCOMPATIBLE
   *   for one that the app did not commit
   */
  async start(
    { topic, partition }: TopicPartition,
    committed: OffsetCommit | undefined,
  ): Promise<StartOfInput> {
    const { app, port } = this.#context
    const earliest = await port.offsets(topic, partition, 'earliest')
    if (!committed) return { offset: earliest }
    const { offset, metadata } = committed
    const where = `${topic}-${partition}`
    const end = await port.offsets(topic, partition, 'latest', 'read_uncommitted')
    if (offset > end)
      throw new MillraceError(
        'OFFSET_OUT_OF_RANGE',
        `The app '${app}' has processed ${where} up to offset ${offset}, and it ends at ${end}: records are gone, by a repair perhaps. ` +
          'Records written next would be skipped. Restore the files from a copy, or start from scratch with { restart: true }.',
      )
    if (offset < earliest) throw droppedByRetention(app, where, offset, earliest)
    if (!metadata && this.#last.keepsState)
      throw this.#refused(
        `the offset ${offset} of ${where} was set by another tool, and the state does not belong to it`,
      )
    const last = lastBatchIn(metadata)
    if (
      last &&
      last.lastOffset >= earliest &&
      !(await holdsBatch(port, { topic, partition }, last)) &&
      !(await this.#isCompacted(topic))
    )
      throw this.#refused(
        `the record at offset ${last.lastOffset} of ${where} is not the one that it has processed: the topic was cut off, by a repair or a restored copy perhaps, and written to again. ` +
          'What came at offsets below its own would be passed over',
        restoreFolder,
      )
    return committed
  }

  /**
   * Checks that a state is the one of the last commit.
   *
   * @param committed the end of the changelog by that commit
   * @throws MillraceError STATE_INCOMPATIBLE
   */
  checkRestored(
    { topic, partition }: TopicPartition,
    committed: number | undefined,
    { start, end, appliedEnd, stale, staleSince }: Restored,
  ): void {
    const where = `${topic}-${partition}`
    if (start > 0)
      throw this.#refused(
        `its changelog ${where} begins at offset ${start}: what was before is gone, and with it a part of its state`,
        restoreFolder,
      )
    const atLeast = committed ?? 0
    const upTo = this.restoredUpTo({ topic, partition }, committed)
    const reached = upTo === undefined ? end : appliedEnd
    if (reached < atLeast)
      throw this.#refused(
        `its changelog ${where} ends at offset ${reached}, and its last commit says ${atLeast}: a part of its state is gone, by a repair perhaps`,
        restoreFolder,
      )
    const isUnknown = stale.some(([, value]) => value === undefined)
    if (isUnknown && staleSince !== undefined && staleSince < this.#context.clock.now() - uncountedMs)
      throw this.#refused(
        `its changelog ${where} holds changes from ${new Date(staleSince).toISOString()} that no commit counts, and compaction may have removed what they replaced`,
        restoreFolder,
      )
    if (end > atLeast && upTo === undefined && !this.#isAdopted(topic, committed))
      throw this.#refused(
        `its changelog ${where} extends to offset ${end}, and its last commit says ${atLeast}: offsets were set back behind the state, by a repair or a restored copy perhaps`,
        restoreFolder,
      )
  }

  /**
   * The offset up to which a changelog counts; undefined: all of it. At least once, a crash may leave the
   * changelog further than the commit of the offsets. State that is ahead of the offsets lacks what has fired
   * already.
   */
  restoredUpTo({ topic }: TopicPartition, committed: number | undefined): number | undefined {
    const isAtLeastOnce = !this.#context.settings.exactlyOnce || this.#last.saved?.atLeastOnce
    return isAtLeastOnce && !this.#isAdopted(topic, committed) ? (committed ?? 0) : undefined
  }

  /** Compaction makes other batches of a topic's records, so there only the offset is compared. */
  async #isCompacted(topic: string): Promise<boolean> {
    const resource = { type: 'topic', name: topic } as const
    const [policy] = await this.#context.port.admin.describeConfigs(resource, ['cleanup.policy'])
    return policy?.value?.includes('compact') ?? false
  }

  /** Whether the changelog may be of 0.1.0, whose commits do not say how far changelogs went. */
  #isAdopted(topic: string, committed: number | undefined): boolean {
    if (committed !== undefined) return false
    const { hasRun, saved } = this.#last
    if (!saved) return hasRun
    return saved.adopted === true && saved.operators.some(({ changelogs }) => changelogs.includes(topic))
  }

  #refused(what: string, way?: string): MillraceError {
    return cannotContinue(this.#context.app, what, way)
  }
}

/** The error for an app whose input was dropped by retention before it was read. */
function droppedByRetention(app: string, where: string, offset: number, earliest: number): MillraceError {
  return new MillraceError(
    'OFFSET_OUT_OF_RANGE',
    `The app '${app}' has processed ${where} up to offset ${offset}, and it begins at ${earliest}: what lies between was dropped by retention before it was processed. ` +
      'Start from scratch with { restart: true }, which reads what is left; and let the topic keep more.',
  )
}
