/**
 * The program of the process that is killed. It publishes numbered records in transactions, some of which it
 * aborts, and an app counts them per key, exactly once. Each run continues where the previous one was killed.
 * The app's changelog and one of its outputs are compacted, and retention drops one of the inputs.
 */
import { createApp, json, type Log, type RunnableApp, text, topic, type Topic } from '../../src/index.ts'
import { partitionForBinary } from '../../src/base/index.ts'
import type { TopicConfig } from '../../src/port/index.ts'
import { BatchBuilder } from '../../src/wire/index.ts'

export const keys: readonly string[] = ['a', 'b', 'c', 'd', 'e', 'f']
export const partitions: number = 3

/** `n` counts a key's records from 1; a poisoned record belongs to a transaction that is aborted. */
export interface Numbered {
  readonly n: number
  readonly poison: boolean
}

export const input: Topic<string, Numbered> = topic('input', {
  key: text(),
  value: json<Numbered>(),
  partitions,
})
export interface Count {
  readonly count: number
  readonly last: number
  readonly poison: boolean
}

export const counted: Topic<string, Count> = topic('counted', {
  key: text(),
  value: json<Count>(),
  partitions: 2,
})

/** The same counts: compaction leaves the last of each key. */
export const latest: Topic<string, Count> = topic('latest', {
  key: text(),
  value: json<Count>(),
  partitions: 2,
})

/** What `input` has, of which retention leaves the end. */
export const recent: Topic<string, Numbered> = topic('recent', {
  key: text(),
  value: json<Numbered>(),
  partitions,
})

const appName = 'counting'
const changelog = `${appName}-sums-aggregate-changelog`

export function countingApp(): RunnableApp {
  const app = createApp(appName)
  const counts = app
    .stream(input)
    .groupByKey()
    .aggregate(
      { count: 0, last: 0, poison: false },
      (sum, { n, poison }) => ({ count: sum.count + 1, last: n, poison: sum.poison || poison }),
      { name: 'sums' },
    )
  counts.to(counted)
  counts.to(latest)
  return app
}

/** Configs of a broker that drops and compacts segments all the time. */
export const housekeeping = {
  'log.retention.check.interval.ms': 40,
  'log.cleaner.backoff.ms': 20,
}

/** Segments end early, so that there is something to compact, and nothing waits for others. */
const compacted = {
  'cleanup.policy': 'compact',
  'segment.ms': 50,
  'delete.retention.ms': 50,
  'min.cleanable.dirty.ratio': 0.01,
}

/** Makes the topics that are missing, `input` last. */
export async function createTopics({ port }: Log): Promise<void> {
  // At least the last batch stays, whose marker may begin a segment.
  const configs = { 'segment.bytes': 5000, 'retention.bytes': 4000 }
  const missing = async (name: string, config: TopicConfig): Promise<void> => {
    if (!(await port.describeTopic(name))) await port.createTopic(name, config)
  }
  await missing(latest.name, { partitions: 2, configs: compacted })
  await missing(recent.name, { partitions, configs })
  await missing(changelog, { partitions, configs: compacted, app: appName })
  await missing(input.name, { partitions })
}

export type Phase = 'publishing' | 'publish-committing' | 'processing' | 'committing' | 'committed'

/** Publishes up to `total` records per key, `perTransaction` at a time, from its committed position. */
export async function publishNumbered(
  { port }: Log,
  total: number,
  onPhase: (phase: Phase) => void,
  pause: () => Promise<void>,
  stopped: () => boolean,
): Promise<void> {
  const writer = await port.openWriter({ transactionalId: 'publisher' })
  // The position is committed in the transaction of its records.
  const place = { topic: input.name, partition: 0 }
  const [committed] = await port.committedOffsets('publisher', [place])
  let next = committed?.offset ?? 1
  for (let round = 0; next <= total && !stopped(); round += 1) {
    const until = Math.min(total + 1, next + 1 + (round % 20))
    const poison = round % 5 === 3
    onPhase('publishing')
    const built = (): BatchBuilder[] => {
      const batches = Array.from({ length: partitions }, () => new BatchBuilder())
      for (let n = next; n < until; n += 1)
        for (const key of keys)
          batches[partitionForBinary(key, partitions)]!.append(n, key, JSON.stringify({ n, poison }))
      return batches
    }
    const appended = [input, recent].flatMap(({ name }) =>
      built().flatMap((batch, partition) => (batch.count > 0 ? [writer.append(name, partition, batch)] : [])),
    )
    await Promise.all(appended)
    await pause()
    onPhase('publish-committing')
    if (poison) await writer.abort()
    else {
      await writer.commit({ group: 'publisher', offsets: [{ ...place, offset: until }] })
      next = until
    }
  }
  await writer.close()
}
