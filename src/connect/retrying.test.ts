import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../test/is-code.ts'
import { forSeeds } from '../../test/for-seeds.ts'
import { MillraceError, seededRandom, systemClock, type Clock, type Random } from '../base/index.ts'
import { deliver } from './deliver.ts'
import { MemoryTarget } from './memory-sink.test-support.ts'
import { retrying } from './retrying.ts'
import { counting, logOf, sorted, things, upTo, valuesOf, type Thing } from './things.test-support.ts'

const busy = new MillraceError('SINK_FAILED', 'busy', { retriable: true })

test('survives passing failures, before and after the write took effect, and writes nothing twice', () =>
  forSeeds(30, async random => {
    const log = await logOf(counting(30))
    const target = new MemoryTarget<string, Thing>()
    target.onWrite = () => {
      if (random.int(2) === 0) throw busy
    }
    let retries = 0
    const sink = retrying(target.sink(), { attempts: 30, backoff: '1ms', backoffMax: '2ms', random })
    await deliver(log, things, sink, {
      until: 'end',
      transactionRows: 4,
      observer: { onRetry: () => retries++ },
    }).done
    assert.deepEqual(sorted(valuesOf(target)), upTo(30))
    assert.ok(retries > 0)
  }))

test('waits longer each time, with jitter, and gives up', async () => {
  const target = new MemoryTarget<string, Thing>()
  target.onWrite = () => {
    throw busy
  }
  const delays: number[] = []
  const sink = retrying(target.sink(), {
    attempts: 4,
    backoff: '4ms',
    backoffMax: '10ms',
    random: seededRandom(1),
  })
  const observer = { onRetry: ({ delayMs }: { delayMs: number }) => delays.push(delayMs) }
  await assert.rejects(
    deliver(await logOf(counting(1)), things, sink, { until: 'end', observer }).done,
    isCode('SINK_FAILED', /tried 4 times.*'attempts'/),
  )
  assert.equal(delays.length, 3)
  for (const [i, most] of [4, 8, 10].entries()) assert.ok(delays[i]! >= most / 2 && delays[i]! <= most)
})

test('passes on other errors at once, and ends its wait on a stop', async () => {
  const target = new MemoryTarget<string, Thing>()
  target.onWrite = () => {
    throw new MillraceError('SINK_FAILED', 'broken')
  }
  const observer = { onRetry: () => assert.fail('not retriable') }
  await assert.rejects(
    deliver(await logOf(counting(1)), things, retrying(target.sink()), { until: 'end', observer }).done,
    isCode('SINK_FAILED'),
  )
  target.onWrite = () => {
    throw busy
  }
  const stop = new AbortController()
  const endless = retrying(target.sink(), { backoff: '1h', backoffMax: '1h' })
  const delivery = deliver(await logOf(counting(1)), things, endless, {
    until: 'end',
    signal: stop.signal,
    observer: { onRetry: () => stop.abort() },
  })
  await assert.rejects(delivery.done, isCode('SINK_FAILED'))
})

test('outlasts an hour of maintenance by default, with any jitter', async () => {
  const target = new MemoryTarget<string, Thing>()
  target.onWrite = () => {
    if (now < hourMs) throw busy
  }
  const hourMs = 3_600_000
  let now = 0
  const clock: Clock = {
    ...systemClock,
    sleep: ms => {
      now += ms
      return Promise.resolve()
    },
  }
  const least: Random = { ...seededRandom(1), next: () => 0 }
  const sink = retrying(target.sink(), { random: least })
  const { delivered } = await deliver(await logOf(counting(3)), things, sink, { until: 'end', clock }).done
  assert.equal(delivered, 3)
  assert.ok(now >= hourMs && now < hourMs + 60_000)
})
