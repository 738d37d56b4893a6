import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import type { SourceNode } from '../plan/graph.ts'
import {
  exchangeMetadata,
  exchangeWatermark,
  hasEnded,
  hasPlanMark,
  hasUnfired,
  sourceMetadata,
  sourceProgress,
  startMetadata,
  upstreamWatermarks,
  withPlanMark,
} from './committed-metadata.ts'
import { UpstreamWatermarks } from './upstream-watermarks.ts'

const { NEGATIVE_INFINITY, POSITIVE_INFINITY } = Number
const clicks = topic('clicks', { key: text(), value: json<number>() }) as SourceNode['topic']
const stream = { of: 'stream', topic: clicks } as const
const table = { of: 'table', topic: clicks } as const

test('the metadata of a source reads back as it was written', () => {
  for (const progress of [
    { watermark: NEGATIVE_INFINITY, idle: false, ended: false, last: undefined },
    { watermark: 5000, idle: true, ended: false, last: { lastOffset: 7, crc: 3_000_000_000 } },
    { watermark: POSITIVE_INFINITY, idle: false, ended: true, last: undefined },
  ])
    for (const unfired of [false, true]) {
      const metadata = withPlanMark(sourceMetadata({ ...progress, unfired }))
      deepEqual(sourceProgress(stream, metadata), progress, metadata)
      deepEqual([hasEnded(metadata), hasUnfired(metadata)], [progress.ended, unfired])
      equal(hasPlanMark(metadata), true)
    }
})

test('writes metadata of a source that earlier versions can read', () => {
  const last = { lastOffset: 7, crc: 9 }
  equal(
    withPlanMark(sourceMetadata({ watermark: 5, idle: true, ended: true, unfired: true, last })),
    '{"plan":1,"watermark":5,"idle":true,"ended":true,"unfired":true,"last":[7,9]}',
  )
  const none = { watermark: NEGATIVE_INFINITY, idle: false, ended: false, unfired: false, last: undefined }
  equal(withPlanMark(sourceMetadata(none)), '{"plan":1}')
  equal(exchangeMetadata('5/1:0', false), '{"upstream":"5/1:0"}')
})

test('a table without a watermark begins at the end of time', () => {
  equal(sourceProgress(table, undefined).watermark, POSITIVE_INFINITY)
  equal(sourceProgress(stream, undefined).watermark, NEGATIVE_INFINITY)
  equal(sourceProgress(table, '{"watermark":5}').watermark, 5)
})

test('the metadata of an exchange holds the watermark of each task upstream', () => {
  const { text: known } = new UpstreamWatermarks(2, [5000, 7000], 'clicks')
  const metadata = exchangeMetadata(known, true)
  deepEqual(
    [upstreamWatermarks(metadata), hasUnfired(metadata), hasEnded(metadata)],
    [[5000, 7000], true, false],
  )
  deepEqual([exchangeWatermark(metadata, 2), exchangeWatermark(metadata, 3)], [5000, NEGATIVE_INFINITY])
  const over = new UpstreamWatermarks(2, [POSITIVE_INFINITY, POSITIVE_INFINITY], 'clicks')
  equal(hasEnded(exchangeMetadata(over.text, false)), true)
})

test('reads what 0.1.0 wrote for an exchange', () => {
  deepEqual(upstreamWatermarks('{"upstream":["5000","-Infinity"]}'), [5000, NEGATIVE_INFINITY])
})

test('ignores metadata that cannot be read', () => {
  for (const metadata of [undefined, '', 'set by a tool', 'null', '[]', '{"upstream":5}', startMetadata]) {
    deepEqual(sourceProgress(stream, metadata), {
      watermark: NEGATIVE_INFINITY,
      idle: false,
      ended: false,
      last: undefined,
    })
    deepEqual([upstreamWatermarks(metadata), hasEnded(metadata), hasUnfired(metadata)], [[], false, false])
  }
})
