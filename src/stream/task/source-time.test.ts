import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import type { SourceNode } from '../plan/graph.ts'
import { SourceTime } from './source-time.ts'

type TopicOptions = Pick<Parameters<typeof topic>[1], 'timestamp' | 'watermark'>

/** The time of a topic with these options, at the beginning of a new app. */
function timeOf(options: TopicOptions, of: SourceNode['of'] = 'stream'): SourceTime {
  const declared = topic('clicks', { key: text(), value: json<number>(), ...options })
  const node = { of, topic: declared } as unknown as SourceNode
  return new SourceTime(node, { watermark: Number.NEGATIVE_INFINITY, idle: false, ended: false }, 0)
}

test('the watermark follows the largest timestamp, less the allowed disorder', () => {
  const time = timeOf({ watermark: { outOfOrderness: '1s' } })
  const moves = [5000, 4000, Number.NEGATIVE_INFINITY, 7000].map((timestamp, offset) => [
    time.processed(timestamp, offset),
    time.watermark,
    time.recordOffset,
  ])
  deepEqual(moves, [
    [true, 4000, 0],
    [false, 4000, 0],
    [false, 4000, 0],
    [true, 6000, 3],
  ])
  deepEqual([time.ofRecords, time.latestTimestamp], [6000, 7000])
})

test('the records of a table without a watermark move nothing, and none is late', () => {
  const time = timeOf({}, 'table')
  deepEqual(
    [time.isTimeless, time.processed(5000, 0), time.ofRecords],
    [true, false, Number.NEGATIVE_INFINITY],
  )
})

test('a record that moves the watermark ends idleness; an earlier record does not', () => {
  const time = timeOf({ watermark: { idleAfter: '1s' } })
  time.processed(1000, 0)
  time.raise(5000)
  deepEqual([time.idle, time.watermark], [true, 5000])
  time.processed(3000, 1)
  deepEqual(time.idle, true)
  time.processed(6000, 2)
  deepEqual([time.idle, time.watermark], [false, 6000])
})

test('idleness raises no watermark to the end of time, and lowers none', () => {
  const time = timeOf({ watermark: { idleAfter: '1s' } })
  time.processed(1000, 0)
  for (const watermark of [500, Number.POSITIVE_INFINITY]) time.raise(watermark)
  deepEqual([time.idle, time.watermark], [false, 1000])
})

test('a partition is idle that long after its last batch, and never during a batch', () => {
  const time = timeOf({ watermark: { idleAfter: '1s' } })
  deepEqual([time.isIdle(999), time.isIdle(1000)], [false, true])
  time.works()
  time.touch(2000)
  deepEqual(time.isIdle(100_000), false)
  time.rests(5000)
  deepEqual([time.isIdle(5999), time.isIdle(6000)], [false, true])
  time.touch(6000)
  deepEqual(time.isIdle(6500), false)
  deepEqual(timeOf({}).isIdle(1_000_000), false)
})

test('arrival time follows the wall clock, and does not go back with it', () => {
  const time = timeOf({ timestamp: 'arrival', watermark: { outOfOrderness: '1s' } })
  deepEqual([time.isArrival, time.arrival(5000.7), time.watermarkAt(5000.7)], [true, 5000, 4000])
  time.processed(5000, 0)
  deepEqual(time.arrival(3000), 5000)
  time.advance(time.watermarkAt(3000))
  deepEqual(time.watermark, 4000)
})
