/**
 * The process that test/connect/duckdb-kill.test.ts kills. It delivers the same made-up log to a DuckDB file,
 * once keeping keys and once appending. Each process makes the log again from the seed, as if it had read the
 * log from disk.
 */
import { z } from 'zod'
import { seededRandom } from '../../src/base/index.ts'
import { deliver, duckdb } from '../../src/connect/index.ts'
import { CrashingLog } from '../../src/connect/crashing-log.test-support.ts'
import { topic } from '../../src/schema/index.ts'
import { BatchBuilder } from '../../src/wire/index.ts'

export interface Made {
  readonly partition: number
  readonly key: string
  readonly n: number | null
}

export function made(seed: number, count: number): Made[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, (_, n) => {
    const id = random.int(500)
    return { partition: id % 3, key: `k${id}`, n: random.int(10) === 0 ? null : n }
  })
}

async function run(file: string, seed: number, count: number): Promise<void> {
  const log = new CrashingLog()
  await log.createTopic('numbers', { partitions: 3 })
  const writer = await log.openWriter()
  const builders = [0, 1, 2].map(() => new BatchBuilder())
  for (const { partition, key, n } of made(seed, count)) {
    const builder = builders[partition]!
    builder.append(0, key, n === null ? null : `{"n":${n}}`)
    if (builder.count === 50) await writer.append('numbers', partition, builder)
  }
  for (const [partition, builder] of builders.entries())
    if (builder.count > 0) await writer.append('numbers', partition, builder)

  const numbers = topic('numbers', { key: z.string(), value: z.object({ n: z.int() }) })
  const options = { until: 'end', transactionRows: 200, onError: 'skip' } as const
  const observer = { onProgress: ({ records }: { records: number }) => console.log(records) }
  console.log('started')
  await Promise.all([
    deliver(log, numbers, duckdb(file, { table: 'latest' }), { ...options, observer }).done,
    deliver(log, numbers, duckdb(file, { table: 'every', mode: 'append' }), options).done,
  ])
}

const [file, seed, count] = process.argv.slice(2)
if (file !== undefined) await run(file, Number(seed), Number(count))
