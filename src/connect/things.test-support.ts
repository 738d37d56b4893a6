/** A topic of things, and logs of it, for tests of deliveries. */
import * as z from 'zod'
import { topic, type Topic } from '../schema/index.ts'
import { BatchBuilder } from '../wire/index.ts'
import { CrashingLog } from './crashing-log.test-support.ts'
import type { MemoryTarget } from './memory-sink.test-support.ts'

export type Thing = { n: number }
export const things: Topic<string, Thing> = topic('things', {
  key: z.string(),
  value: z.object({ n: z.int() }),
  partitions: 2,
})

/** A text value is written to the log as it is, whatever the schema says. */
export type Line = [partition: number, key: string, value: Thing | string | null]

/** An aborted transaction comes after each line whose number is a multiple of this. */
const abortEvery = 7

/** A log with these lines, some to a transaction, and aborted transactions among them. */
export async function logOf(lines: readonly Line[], perCommit = 3): Promise<CrashingLog> {
  const log = new CrashingLog()
  await log.createTopic('things', { partitions: 2 })
  await append(log, lines, perCommit)
  return log
}

export async function append(log: CrashingLog, lines: readonly Line[], perCommit = 3): Promise<void> {
  const writer = await log.openWriter({ transactionalId: 'test' })
  for (const [i, [partition, key, value]] of lines.entries()) {
    const builder = new BatchBuilder()
    builder.append(1000 + i, key, typeof value === 'string' ? value : value && JSON.stringify(value))
    await writer.append('things', partition, builder)
    if (i % perCommit === perCommit - 1) await writer.commit()
    if (i % abortEvery === 0) {
      await writer.commit()
      const aborted = new BatchBuilder()
      aborted.append(0, 'aborted', '{"n":-1}')
      await writer.append('things', partition, aborted)
      await writer.abort()
    }
  }
  await writer.commit()
}

/** This many numbered lines over both partitions. */
export function counting(count: number): Line[] {
  return Array.from({ length: count }, (_, n) => [n % 2, `k${n % 5}`, { n }])
}

export function valuesOf(target: MemoryTarget<string, Thing>): number[] {
  return target.rows.map(({ value }) => value!.n)
}

export function sorted(numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => a - b)
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n)
}
