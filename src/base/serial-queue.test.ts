import { deepEqual, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { SerialQueue } from './serial-queue.ts'

test('runs operations in order, and continues after a failed one', async () => {
  const seen: string[] = []
  const turns = new SerialQueue()
  const operation = (name: string) => async () => {
    seen.push(`${name} begins`)
    await Promise.resolve()
    seen.push(`${name} ends`)
    if (name === 'b') throw new Error(name)
    return name
  }
  const [a, b, c] = ['a', 'b', 'c'].map(name => turns.run(operation(name)))
  await rejects(b!, new Error('b'))
  await turns.idle()
  deepEqual([await a, await c], ['a', 'c'])
  deepEqual(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
})
