/**
 * A stream joined to a table that was filled earlier: every record finds its row, for any number of
 * partitions.
 */
import { deepEqual } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { z } from 'zod'
import { createApp, openLog, topic } from '../../src/index.ts'

const partitions = 3
const cities = topic('cities', { key: z.string(), value: z.string(), partitions })
const visits = topic('visits', { key: z.string(), value: z.int(), partitions })
const named = topic('named', { key: z.string(), value: z.string(), partitions })

test('all partitions of a table are read before the stream', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-table-join-'))
  try {
    await using log = await openLog(folder)
    const keys = Array.from({ length: 20 }, (_, n) => `k${n}`)
    const toCities = log.producer(cities)
    await Promise.all(keys.map(key => toCities.send({ key, value: `city of ${key}` })))
    const toVisits = log.producer(visits)
    await Promise.all(keys.map((key, n) => toVisits.send({ key, value: n })))

    const app = createApp('visitors')
    app
      .stream(visits)
      .join(app.table(cities), (visit, city) => `${visit} ${city}`)
      .to(named)
    await app.run({ log, until: 'end' })

    const found: string[] = []
    for await (const { value } of log.consumer(named, { until: 'end' })) found.push(value ?? 'null')
    deepEqual(found.sort(), keys.map((key, n) => `${n} city of ${key}`).sort())
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
