/**
 * An app on a full disk: the run ends with an error that says what is full and where, commits nothing
 * partially, and continues once the disk has room.
 */
import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const copies = topic('copies', { key: text(), value: json<number>(), partitions: 1 })
const counts = topic('counts', { key: text(), value: json<number>(), partitions: 1 })
const records = 400

function program(): App {
  const app = new App('app')
  const numbers = app.stream(input)
  numbers.to(copies)
  numbers
    .groupBy(n => `mod ${n % 7}`)
    .count()
    .to(counts)
  return app
}

for (const exchange of ['memory', 'topic'] as const)
  test(`an app survives a disk that fills up: it fails whole, and continues once there is room (${exchange})`, async () => {
    const world = await World.open()
    await world.write(
      'input',
      Array.from({ length: records }, (_, n) => ({ key: `k${n}`, value: n, timestamp: n })),
      { perBatch: 10 },
    )
    const options = { until: 'now', exchange, commitInterval: 1 } as const
    // Each try gets a little more room. What a failed try wrote stays on the log, aborted.
    let failures = 0
    for (let capacity = 10_000; ; capacity = Math.ceil(capacity * 1.3)) {
      ok(capacity < 5_000_000, 'there is room in the end')
      world.disk.capacityBytes = capacity
      try {
        await world.run(program(), options)
        break
      } catch (error) {
        ok(isMillraceError(error, 'DISK_FULL'), String(error))
        ok(/\/data|app-|input|copies|counts/.test(error.message), error.message)
        failures += 1
      }
      world.disk.capacityBytes = Number.POSITIVE_INFINITY
      // The log continues in use, or the power fails.
      if (failures % 2 === 0) await world.crash()
    }
    world.disk.capacityBytes = Number.POSITIVE_INFINITY
    ok(failures > 3, `${failures} failures`)
    deepEqual(
      (await world.read('copies')).map(({ value }) => Number(value)),
      Array.from({ length: records }, (_, n) => n),
    )
    const last = new Map((await world.read('counts')).map(({ key, value }) => [key, Number(value)]))
    deepEqual(
      Array.from({ length: 7 }, (_, n) => last.get(`mod ${n}`)),
      Array.from({ length: 7 }, (_, n) => Math.ceil((records - n) / 7)),
    )
  })
