/**
 * Checks that no task downstream knows of a watermark that the stage upstream has yet to reach, by its
 * commits.
 *
 * At least once, a watermark is announced after a commit holds it, so an announced watermark is never ahead
 * of the commits. If one is, the offsets are older than the topic between the stages. Records would be sent
 * again after that announcement: a window would fire before they come, and once more with only those records.
 * A crash never leaves such offsets, so the run is refused.
 */
import { batchesUpTo, type LogPort, type OffsetCommit } from '../../port/index.ts'
import { cannotContinue, restoreFolder } from './cannot-continue.ts'
import { allInputs } from './restart.ts'
import { announcementIn } from '../task/exchange-record.ts'
import { sourceProgress, upstreamWatermarks } from '../task/committed-metadata.ts'
import { exchangeTopic } from '../plan/own-topics.ts'
import { type InstanceContext, keyOf } from './instance-context.ts'
import type { Stage } from '../plan/plan.ts'
import { exchangesOf, type SavedExchange } from '../plan/saved-plan.ts'

type Committed = ReadonlyMap<string, OffsetCommit | undefined>

/** The records that one task downstream has yet to read: they are searched for announcements. */
interface Unread {
  readonly topic: string
  readonly partition: number
  readonly from: Stage
  readonly end: number
}

/**
 * @param exchanges the exchanges that the last plan had
 * @throws MillraceError STATE_INCOMPATIBLE
 */
export async function checkAnnouncedAhead(
  context: InstanceContext,
  exchanges: readonly SavedExchange[],
): Promise<void> {
  const { app, port } = context
  // The ends are read first: what other instances commit and announce meanwhile is after them.
  const all = await unreadOf(context, exchanges)
  if (all.length === 0) return
  const inputs = allInputs(context)
  const commits = await port.committedOffsets(app, inputs)
  const committed: Committed = new Map(inputs.map((each, n) => [keyOf(each), commits[n]]))
  const ofStages = new Map<Stage, (number | undefined)[]>()
  for (const { from } of all)
    if (!ofStages.has(from)) ofStages.set(from, watermarksOf(context, from, committed))
  for (const unread of all) {
    const where = keyOf(unread)
    const commit = committed.get(where)
    const reached = ofStages.get(unread.from) ?? []
    const known = upstreamWatermarks(commit?.metadata)
    if (known.some((watermark, task) => isAhead(watermark, reached[task])))
      throw refused(app, `its last commit for ${where}`)
    const offset = await announcedAhead(port, unread, commit?.offset ?? 0, reached)
    if (offset !== undefined) throw refused(app, `the record at offset ${offset} of ${where}`)
  }
}

/** `reached`: undefined if no commit says it. */
function isAhead(watermark: number, reached: number | undefined): boolean {
  return reached !== undefined && watermark > reached
}

function refused(app: string, what: string): Error {
  return cannotContinue(
    app,
    `${what} tells of a commit of the stage before that is not there: offsets were set back, by a repair or a restored copy perhaps. ` +
      'Records that are sent again would come too late for their windows',
    restoreFolder,
  )
}

/** The partitions between stages that are the same as in the last plan. */
async function unreadOf(
  { app, plan, port, topics }: InstanceContext,
  exchanges: readonly SavedExchange[],
): Promise<Unread[]> {
  const now = exchangesOf(plan)
  const unread: Unread[] = []
  for (const stage of plan.stages)
    for (const { exchange, from } of stage.incoming) {
      const { place } = now.find(({ name }) => name === exchange.name) ?? {}
      if (!exchanges.some(each => each.name === exchange.name && each.place === place)) continue
      const topic = exchangeTopic(app, exchange)
      const { partitions = 0 } = (await port.describeTopic(topic)) ?? {}
      // Another partition count is refused elsewhere.
      if (partitions !== topics.stagePartitions(stage)) continue
      for (let partition = 0; partition < partitions; partition += 1) {
        const end = await port.offsets(topic, partition, 'latest', 'read_committed')
        unread.push({ topic, partition, from, end })
      }
    }
  return unread
}

/**
 * The committed watermark of each task of a stage. Undefined for a task if the commit of one of its inputs
 * does not say it, as for a new input.
 */
function watermarksOf(context: InstanceContext, stage: Stage, committed: Committed): (number | undefined)[] {
  const { app, topics } = context
  return Array.from({ length: topics.stagePartitions(stage) }, (_, partition) => {
    const metadataOf = (topic: string): string | undefined =>
      committed.get(keyOf({ topic, partition }))?.metadata
    let least = Number.POSITIVE_INFINITY
    for (const source of stage.sources) {
      const metadata = metadataOf(source.topic.name)
      if (!metadata) return undefined
      const { watermark } = sourceProgress(source, metadata)
      // The table may have been given its watermark after that commit.
      if (source.of === 'table' && watermark === Number.NEGATIVE_INFINITY) return undefined
      least = Math.min(least, watermark)
    }
    for (const { exchange, from } of stage.incoming) {
      const known = upstreamWatermarks(metadataOf(exchangeTopic(app, exchange)))
      if (known.length < topics.stagePartitions(from)) return undefined
      for (const watermark of known) least = Math.min(least, watermark)
    }
    return least
  })
}

/** The first offset, at or after `offset`, of an announcement that is ahead; undefined if none is. */
async function announcedAhead(
  port: LogPort,
  { topic, partition, end }: Unread,
  offset: number,
  reached: readonly (number | undefined)[],
): Promise<number | undefined> {
  for await (const { batch, firstOffset } of batchesUpTo(port, { topic, partition, offset }, { end }))
    for (const cursor = batch.records(); cursor.next() && cursor.offset < end;) {
      if (cursor.offset < firstOffset || cursor.valueStart >= 0) continue
      const announcement = announcementIn(cursor.headers())
      if (!announcement) continue
      const { ranges, watermark } = announcement
      for (const [from, to] of ranges)
        if (reached.slice(from, to + 1).some(each => isAhead(watermark, each))) return cursor.offset
    }
  return undefined
}
