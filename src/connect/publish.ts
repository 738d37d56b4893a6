/**
 * Publishes a source's rows to a topic, exactly once.
 *
 * The rows and the source's resume state commit in one transaction. The state is an offset commit of the
 * group `connect-<name>`, for partition 0 of the topic: its offset is the number of processed rows, its
 * metadata the state as JSON. So the log and the position in the source always agree, and any Kafka tool can
 * show the position of a connector.
 *
 * One publisher per name: opening fences an earlier one (by the transactional id `connect-<name>`), whose
 * open transaction is aborted.
 */
import { checkOptions, MillraceError } from '../base/index.ts'
import { checkConnector, checkLog } from './checks.ts'
import { Batcher, ensureTopic, portOf, type Log, type LogPort } from '../port/index.ts'
import { checkPolicy, checkTopic } from '../schema/index.ts'
import {
  publishOptionKinds,
  settle,
  type PublishOptions,
  type PublishSettings,
  type PublishTopic,
} from './publish-options.ts'
import { Publisher, type PublishStats } from './publisher.ts'
import type { Source } from './source.ts'

/**
 * Publishes all rows of a source, from the position of the last run with this name, until its end. Closing
 * the log ends it as `signal` does: published rows are committed.
 *
 * @example
 * await publish(log, flights, parquet('flights.parquet', { columns }), { key: row => row.origin })
 * @throws MillraceError SOURCE_MALFORMED for a bad row (names it) under `fail`, the errors of the source,
 *   PRODUCER_FENCED when another publisher of the name was started, PARTITION_COUNT_CHANGED
 */
export async function publish<R, K, V>(
  to: Log | LogPort,
  topic: PublishTopic<K, V>,
  source: Source<R>,
  ...[options]: {} extends PublishOptions<R, K, V>
    ? [options?: PublishOptions<R, K, V>]
    : [options: PublishOptions<R, K, V>]
): Promise<PublishStats> {
  checkLog('publish', to)
  checkTopic('publish', topic)
  checkConnector('publish', 'source', source)
  checkOptions(`publish to '${topic.name}'`, options, publishOptionKinds)
  if (options?.onError !== undefined) checkPolicy(options.onError, 'publish')
  const log = portOf(to)
  if (!('port' in to)) return await publishOver(log, topic, source, settle(topic, source, options))
  const ended = Promise.withResolvers<void>()
  const closing = new AbortController()
  const release = to.onClose(() => {
    closing.abort()
    return ended.promise
  })
  try {
    return await publishOver(log, topic, source, settle(topic, source, options, closing.signal))
  } finally {
    release()
    ended.resolve()
  }
}

async function publishOver<R, K, V>(
  log: LogPort,
  topic: PublishTopic<K, V>,
  source: Source<R>,
  settings: PublishSettings<R, K, V>,
): Promise<PublishStats> {
  const { onError, name } = settings
  const letterName = typeof onError === 'object' ? onError.deadLetter : undefined
  if (letterName === topic.name)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `Dead letters of '${topic.name}' cannot go to that topic itself: its consumers would stop at them. Name another topic in onError.`,
    )
  const records = await ensureTopic(log, topic)
  const letters =
    letterName === undefined ? undefined : await ensureTopic(log, { name: letterName, partitions: undefined })

  // First the writer: it ends the open transaction of a predecessor, so that the position read next is final.
  const writer = await log.openWriter({ transactionalId: `connect-${name}` })
  try {
    const [stand] = await log.committedOffsets(`connect-${name}`, [{ topic: topic.name, partition: 0 }])
    const batcher = new Batcher((...batch) => writer.append(...batch))
    return await new Publisher(writer, topic, source, settings, {
      batcher,
      records: batcher.into(records),
      letters: letters && batcher.into(letters),
    }).run(stand)
  } catch (error) {
    await writer.abort().catch(() => {})
    throw error
  } finally {
    await writer.close().catch(() => {})
  }
}
