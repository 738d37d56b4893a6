/**
 * A process that runs an app, whose transaction is open and about to commit. When the test tells it to, it
 * continues, reads another record, finishes, and reports the result. Arguments: folder, then the time-out of
 * transactions and of idleness in milliseconds.
 */
import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { nodeDisk, systemClock, systemRandom } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import type { LogPort, Writer } from '../../src/port/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, Instance, settingsOf, tumbling } from '../../src/stream/index.ts'
import { BatchBuilder } from '../../src/wire/index.ts'
import { inPlaceOf } from './world.ts'

const [folder = '', timeout = ''] = process.argv.slice(2)
const timeoutMs = Number(timeout)
const log = await InProcessLog.open(folder, { disk: nodeDisk, clock: systemClock, random: systemRandom })
await log.createTopic('input', { partitions: 2 })

const told = Promise.withResolvers<void>()
/** Printed once: a busy machine may commit a second time before the third record is read. */
let isOpen = false
process.once('message', () => told.resolve())
const openWriter: LogPort['openWriter'] = async options => {
  const opened = await log.openWriter({ ...options, transactionTimeoutMs: timeoutMs })
  const commit: Writer['commit'] = async (...args) => {
    if (!isOpen && instance.progress().records === 2) {
      isOpen = true
      process.send?.({ isOpen: true })
      await told.promise
    }
    await opened.commit(...args)
  }
  return new Proxy(opened, inPlaceOf<Writer>({ commit }))
}
const port = new Proxy(log, inPlaceOf<LogPort>({ openWriter }))

const input = topic('input', { key: text(), value: text(), watermark: { idleAfter: timeoutMs } })
const app = new App('app')
const events = app.stream(input).groupByKey()
const counts = topic('counts', { key: windowed(text()), value: json<number>() })
events.windowedBy(tumbling(100)).count().emit('final').to(counts)
events.count().to(topic('totals', { key: text(), value: json<number>() }))

const writer = await log.openWriter()
async function write(partition: number, timestamp: number): Promise<void> {
  const batch = new BatchBuilder()
  batch.append(timestamp, Buffer.from('a'), Buffer.from('x'), [])
  await writer.append('input', partition, batch)
}

await write(0, 10_000)
await write(1, 10)
const instance = new Instance(app.name, app.plan(), port, systemClock, settingsOf({ commitInterval: 1000 }))
const done = instance.run()
await told.promise
// This record would be late, and lost, if the time of the stop had counted as time without data.
await write(1, 50)
while (instance.metrics.records < 3) await Promise.race([done, setTimeout(5)])
instance.finish()
const outcome = await done.then(
  () => 'done',
  (error: Error) => error.message,
)
const { records, dropped } = instance.metrics
process.send?.({ outcome, records, late: dropped.late, idle: dropped.idle })
await log.close()
process.disconnect?.()
