/**
 * The watermarks of tasks upstream can be read back from text of bounded size: exactly, or as lower bounds
 * with the same least value.
 */
import { deepEqual, equal, ok, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../../test/for-seeds.ts'
import { isMillraceError } from '../../base/index.ts'
import { timeless, upstreamTasksMax, UpstreamWatermarks } from './upstream-watermarks.ts'

const [beginning, end] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
const now = Date.UTC(2026, 0, 1)

const sizes: readonly [name: string, watermarks: readonly number[]][] = [
  ['none', []],
  ['one that has said nothing', [beginning]],
  ['one that has ended', [end]],
  ['one before 1970', [-5]],
  ['a few, all different', [now, now + 1, now + 86_400_000, beginning, end, 0]],
  ['255 of one instance', Array.from({ length: 255 }, () => now)],
  [
    '2,700 of three instances that took turns',
    Array.from({ length: 900 }, (_, n) => now + (n % 3)).flatMap(w => [w, w, w]),
  ],
  ['400 that are all apart', Array.from({ length: 400 }, (_, n) => now + n * 977)],
]

for (const [name, watermarks] of sizes)
  test(`exact: ${name}`, () => {
    const { text, watermark } = new UpstreamWatermarks(watermarks.length, watermarks, 't')
    ok(text.length <= 3800, `${text.length} characters`)
    equal(watermark, Math.min(...watermarks))
    deepEqual(UpstreamWatermarks.parse(text), [...watermarks])
  })

test('tasks without event time are at its end, and not over before they say so', () => {
  const upstream = new UpstreamWatermarks(2, [], 't')
  const found = [timeless, end].map(watermark => {
    upstream.raise(0, 1, watermark)
    const { text, watermark: reached, isOver } = upstream
    return [reached, isOver, new UpstreamWatermarks(2, UpstreamWatermarks.parse(text), 't').isOver]
  })
  deepEqual(found, [
    [end, false, false],
    [end, true, true],
  ])
})

test('the text is bounded for any watermarks, and has lower bounds with the same least value', () =>
  forSeeds(600, (random, seed) => {
    const tasks = 1 + random.int(upstreamTasksMax)
    const spreadMs = 10 ** random.int(13)
    const watermarks = Array.from({ length: tasks }, () => {
      const kind = random.int(10)
      return kind === 0 ? beginning : kind === 1 ? end : now + random.int(spreadMs)
    })
    if (seed % 3 === 0)
      for (const [task, watermark] of watermarks.entries())
        if (watermark === beginning) watermarks[task] = now
    const upstream = new UpstreamWatermarks(tasks, watermarks, 't')
    ok(upstream.text.length <= 3801 + 20, `${upstream.text.length} characters`)
    const parsed = UpstreamWatermarks.parse(upstream.text)
    equal(parsed.length, tasks)
    for (const [task, watermark] of watermarks.entries()) {
      ok((parsed[task] as number) <= watermark)
      if (!Number.isFinite(watermark)) equal(parsed[task], watermark)
    }
    equal(Math.min(...parsed), upstream.watermark)
  }))

test('raises a range of tasks, lowers none, and refuses tasks that do not exist', () => {
  const upstream = new UpstreamWatermarks(4, [5, 5, 5, 5], 't')
  ok(upstream.raise(1, 3, 9))
  ok(upstream.raise(2, 2, 7))
  deepEqual([upstream.watermark, UpstreamWatermarks.parse(upstream.text)], [5, [5, 9, 9, 9]])
  ok(upstream.raise(0, 0, 8))
  equal(upstream.watermark, 8)
  for (const [from, to] of [
    [4, 4],
    [-1, 0],
    [3, 4],
    [2, 1],
    [Number.NaN, 1],
  ] as const)
    equal(upstream.raise(from, to, 99), false)
})

test('refuses more tasks than the text can hold', () => {
  throws(
    () => new UpstreamWatermarks(upstreamTasksMax + 1, [], 't'),
    (error: unknown) => isMillraceError(error, 'LIMIT_EXCEEDED'),
  )
})

test('reads no watermarks from invalid text', () => {
  for (const text of ['', 'x', '1/1', '1/1:', '1/1:zz*', '1/1:!', '1/1:0*zzzzzz'])
    deepEqual(UpstreamWatermarks.parse(text), [])
})
