/** Deliveries whose topic is created late, or never. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock, type Clock, type ErrorCode } from '../base/index.ts'
import { json, text, topic } from '../schema/index.ts'
import { BatchBuilder } from '../wire/index.ts'
import { deliver } from './deliver.ts'
import { CrashingLog } from './crashing-log.test-support.ts'
import { MemoryTarget } from './memory-sink.test-support.ts'

type Thing = { n: number }
const unknownTopic: { code: ErrorCode } = { code: 'UNKNOWN_TOPIC' }

test('waits for a missing topic until it is told to stop or to finish', async () => {
  const unsure = topic('things', { key: text(), value: json<Thing>() })
  const log = new CrashingLog()
  const target = new MemoryTarget<string, Thing>()
  const delivery = deliver(log, unsure, target.sink(), { commitInterval: '5ms' })
  await log.createTopic('things', { partitions: 2 })
  const builder = new BatchBuilder()
  for (let n = 0; n < 3; n += 1) builder.append(n, 'k', `{"n":${n}}`)
  await (await log.openWriter()).append('things', 1, builder)
  while (target.writes === 0) await new Promise(resolve => setTimeout(resolve, 1))
  assert.equal((await delivery.finish()).delivered, 3)

  assert.equal((await deliver(new CrashingLog(), unsure, target.sink()).stop()).delivered, 0)
  await assert.rejects(deliver(new CrashingLog(), unsure, target.sink()).finish(), unknownTopic)
})

test('names a topic that was not created in time', async () => {
  let now = 0
  const clock: Clock = {
    ...systemClock,
    monotonic: () => now,
    sleep: ms => {
      now += ms
      return Promise.resolve()
    },
  }
  const unsure = topic('unsure', { value: text() })
  const target = new MemoryTarget<null, string>()
  await assert.rejects(deliver(new CrashingLog(), unsure, target.sink(), { clock }).done, unknownTopic)
  assert.ok(now >= 10_000)
})
