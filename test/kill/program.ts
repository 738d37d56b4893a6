/**
 * The program of the process that is killed. It publishes numbered records in transactions, some of which it
 * aborts, and an app counts them per key, exactly once. Each run continues where the previous one was killed.
 */
import { createApp, json, type Log, type RunnableApp, text, topic, type Topic } from '../../src/index.ts'
import { partitionForBinary } from '../../src/base/index.ts'
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

export function countingApp(): RunnableApp {
  const app = createApp('counting')
  app
    .stream(input)
    .groupByKey()
    .aggregate({ count: 0, last: 0, poison: false }, (sum, { n, poison }) => ({
      count: sum.count + 1,
      last: n,
      poison: sum.poison || poison,
    }))
    .to(counted)
  return app
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
  if (!(await port.describeTopic(input.name))) await port.createTopic(input.name, { partitions })
  const writer = await port.openWriter({ transactionalId: 'publisher' })
  // The position is committed in the transaction of its records.
  const place = { topic: input.name, partition: 0 }
  const [committed] = await port.committedOffsets('publisher', [place])
  let next = committed?.offset ?? 1
  for (let round = 0; next <= total && !stopped(); round += 1) {
    const until = Math.min(total + 1, next + 1 + (round % 20))
    const poison = round % 5 === 3
    onPhase('publishing')
    const batches = Array.from({ length: partitions }, () => new BatchBuilder())
    for (let n = next; n < until; n += 1)
      for (const key of keys)
        batches[partitionForBinary(key, partitions)]!.appendText(n, key, JSON.stringify({ n, poison }))
    const appended = batches.flatMap((batch, partition) =>
      batch.count > 0 ? [writer.append(input.name, partition, batch)] : [],
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
