/** A partition whose batch is through holds none of its records: an app reads many partitions in turns. */
import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { json, text, topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { collectGarbage } from '../collect-garbage.ts'
import { TaskHarness } from './task-harness.ts'

const input = topic('input', { key: text(), value: json<{ n: number }>() })
const output = topic('output', { key: text(), value: json<number>() })

test('the records of a batch that is through can be collected', async () => {
  const seen: WeakRef<object>[] = []
  const app = new App('released')
  app
    .stream(input)
    .mapValues(value => {
      seen.push(new WeakRef(value!))
      return value!.n
    })
    .to(output)
  const records = Array.from({ length: 50 }, (_, n) => ({ key: `k${n}`, value: { n }, timestamp: n }))
  const harness = new TaskHarness(app, new Map([['input', [records]]]))
  harness.read(harness.sources[0]!, records.length)
  equal(seen.length, records.length)
  harness.commit()
  // What a WeakRef has shown lives until the end of the turn.
  await setImmediate()
  collectGarbage()
  equal(seen.filter(ref => ref.deref() !== undefined).length, 0)
  equal(harness.sources[0]!.position, records.length)
})
