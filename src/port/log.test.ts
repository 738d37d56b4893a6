/** A log that is closed ends what runs over it first, and never hangs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { isMillraceError } from '../base/index.ts'
import { topic } from '../schema/index.ts'
import { openTestLog } from '../broker/simulated-log.test-support.ts'

const numbers = topic('numbers', { value: z.int(), partitions: 2 })
const closed = (error: unknown): boolean => isMillraceError(error, 'CLOSED')

test('ends what was registered before it closes, producers last, and once', async t => {
  const log = await openTestLog(t)
  const events: string[] = []
  const producer = log.producer(numbers)
  log.onClose(async () => {
    await producer.send({ value: 1 })
    events.push('end')
  })
  log.onClose(() => assert.fail('taken back'))()
  await Promise.all([log.close(), log.close()])
  assert.deepEqual(events, ['end'])
  assert.throws(() => log.onClose(async () => undefined), closed)
  await assert.rejects(log.topics(), closed)
})

test('is closed, also where something failed to end: the first failure is told', async t => {
  const log = await openTestLog(t)
  const failure = new Error('cannot end')
  log.onClose(() => Promise.reject(failure))
  const closing = log.close()
  await assert.rejects(closing, failure)
  await assert.rejects(log.topics(), closed)
  t.mock.method(log, 'close', async () => undefined)
})

test('a loop that reads again and again ends with CLOSED', async t => {
  const log = await openTestLog(t)
  await log.producer(numbers).send({ value: 1 })
  const started = Promise.withResolvers<void>()
  const reading = (async () => {
    for (;;)
      for await (const { value } of log.consumer(numbers, { group: 'g' })) {
        assert.equal(value, 1)
        started.resolve()
      }
  })()
  await started.promise
  await Promise.all([log.close(), assert.rejects(reading, closed)])
})

test('a program that tries again and again lets the event loop turn', async t => {
  const log = await openTestLog(t)
  await log.createTopic(numbers)
  const consumer = log.consumer(numbers)
  const state = { ended: false }
  const failures: unknown[] = []
  const trying = (async () => {
    while (!state.ended)
      try {
        for await (const _ of failures.length % 2 === 0 ? consumer : log.consumer(numbers))
          assert.fail('empty')
      } catch (error) {
        failures.push(error)
      }
  })()
  await log.close()
  await new Promise(resolve => setTimeout(resolve, 20))
  state.ended = true
  await trying
  assert(failures.length > 1)
  assert(failures.every(closed))
})
