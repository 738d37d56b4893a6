/**
 * The conformance suite of sinks: the obligations of sink.ts as cases. A connector's test runs them, and
 * names the optional ones that it claims.
 *
 * @example
 * for (const { name, run } of sinkConformance({ make: emptyTarget, upserts: true })) test(name, run)
 */
import assert from 'node:assert/strict'
import { isMillraceError, systemClock } from '../base/index.ts'
import { topic, type Schema, type Topic } from '../schema/index.ts'
import type { ConformanceCase } from './conformance-case.ts'
import { RowsRefused, type Offsets, type Sink, type SinkContext, type SinkRow } from './sink.ts'

/** The values that the sink's cases write. */
export interface Sample {
  readonly n: number
  readonly note: string | null
}

/** A target of a sink, for the cases. */
export interface SinkTarget {
  /** A sink of the same name over the same target, each time. */
  readonly sink: () => Sink<string, Sample>
  /** The target's rows, in any order. */
  readonly read: () => Promise<{ key: string; n: number; note: string | null }[]>
  readonly close: () => Promise<void>
}

export interface SinkConformance {
  /** A new, empty target for each case. */
  readonly make: () => Promise<SinkTarget>
  /** Claims that the target keeps each key once, with its last value, and that null deletes. */
  readonly upserts?: boolean
  /** Claims that some values are refused: an example. */
  readonly refused?: Sample
  /** Claims that RowsRefused names all refused rows of a write at once. Needs {@link refused}. */
  readonly names?: boolean
  /**
   * Claims that different keys of the log may be one key of the target, such as a UUID in capitals. Gives a
   * target of such keys, and two that are one.
   */
  readonly oneKey?: { readonly make: () => Promise<SinkTarget>; readonly keys: readonly [string, string] }
}

const sampleSchema: Schema<Sample> = {
  '~standard': {
    version: 1,
    vendor: 'millrace',
    validate: value => ({ value: value as Sample }),
    jsonSchema: { input: sampleJsonSchema, output: sampleJsonSchema },
  },
}

function sampleJsonSchema(): Record<string, unknown> {
  const properties = { n: { type: 'integer' }, note: { type: ['string', 'null'] } }
  return { type: 'object', properties, required: ['n', 'note'] }
}

const textSchema: Schema<string> = {
  '~standard': {
    version: 1,
    vendor: 'millrace',
    validate: value => ({ value: value as string }),
    jsonSchema: { input: () => ({ type: 'string' }), output: () => ({ type: 'string' }) },
  },
}

/** The topic that the cases write from. */
export const sampleTopic: Topic<string, Sample> = topic('samples', {
  key: textSchema,
  value: sampleSchema,
  partitions: 2,
})

export function sinkConformance({
  make,
  upserts,
  refused,
  names,
  oneKey,
}: SinkConformance): ConformanceCase[] {
  const check = (
    name: string,
    body: (target: SinkTarget) => Promise<void>,
    makeTarget: () => Promise<SinkTarget> = make,
  ): ConformanceCase => ({
    name,
    run: async () => {
      const target = await makeTarget()
      try {
        await body(target)
      } finally {
        await target.close()
      }
    },
  })

  const cases = [
    check('begins without offsets, and returns those of the last write', async ({ sink, read }) => {
      const writer = await sink().open(sinkContext())
      assert.deepEqual(await writer.committed(), new Map())
      await writer.write([row(0, 0, 'a', 1), row(1, 0, 'b', 2)], at([0, 1], [1, 1]))
      await writer.write([row(0, 1, 'c', 3)], at([0, 5]))
      await writer.close()
      const again = await sink().open(sinkContext())
      assert.deepEqual(await again.committed(), at([0, 5], [1, 1]))
      await again.close()
      assert.deepEqual(byKey(await read()), ['a 1', 'b 2', 'c 3'])
    }),
    check('moves offsets without rows', async ({ sink }) => {
      const writer = await sink().open(sinkContext())
      await writer.write([], at([1, 7]))
      assert.deepEqual(await writer.committed(), at([1, 7]))
      await writer.close()
    }),
    check('applies a repeated write once', async ({ sink, read }) => {
      for (let attempt = 0; attempt < 3; attempt++) {
        const writer = await sink().open(sinkContext())
        await writer.write([row(0, 0, 'a', 1), row(0, 1, 'b', 2)], at([0, 2]))
        await writer.write([row(0, 0, 'a', 1), row(0, 1, 'b', 2)], at([0, 2]))
        await writer.close()
      }
      assert.deepEqual(byKey(await read()), ['a 1', 'b 2'])
    }),
    check('fences a replaced writer', async ({ sink, read }) => {
      const old = await sink().open(sinkContext())
      await old.write([row(0, 0, 'a', 1)], at([0, 1]))
      const next = await sink().open(sinkContext())
      const fenced = (error: unknown): boolean => isMillraceError(error, 'SINK_FENCED') && !error.retriable
      await assert.rejects(old.write([row(0, 1, 'z', 9)], at([0, 2])), fenced)
      await next.write([row(0, 1, 'b', 2)], at([0, 2]))
      await assert.rejects(old.write([], at([1, 2])), fenced)
      await old.close()
      await next.close()
      assert.deepEqual(byKey(await read()), ['a 1', 'b 2'])
    }),
    check('refuses the offsets of another topic: in another log, or created again', async target => {
      const writer = await target.sink().open(sinkContext())
      await writer.write([row(0, 0, 'a', 1)], at([0, 1]))
      await assert.rejects(target.sink().open(sinkContext('another topic')), error =>
        isMillraceError(error, 'SINK_CHANGED'),
      )
      // Nothing has changed, and no writer is fenced.
      await writer.write([row(0, 1, 'b', 2)], at([0, 2]))
      await writer.close()
      const again = await target.sink().open(sinkContext())
      assert.deepEqual(await again.committed(), at([0, 2]))
      await again.close()
      assert.deepEqual(byKey(await target.read()), ['a 1', 'b 2'])
    }),
    check('accepts another topic if nothing was delivered yet', async ({ sink, read }) => {
      await (await sink().open(sinkContext())).close()
      const writer = await sink().open(sinkContext('another topic'))
      await writer.write([row(0, 0, 'a', 1)], at([0, 1]))
      await writer.close()
      assert.deepEqual(byKey(await read()), ['a 1'])
    }),
    check('accepts added partitions', async ({ sink, read }) => {
      const writer = await sink().open({ ...sinkContext(), partitions: 1 })
      await writer.write([row(0, 0, 'a', 1)], at([0, 1]))
      await writer.close()
      const wider = await sink().open({ ...sinkContext(), partitions: 3 })
      await wider.write([row(2, 0, 'b', 2)], at([2, 1]))
      assert.deepEqual(await wider.committed(), at([0, 1], [2, 1]))
      await wider.close()
      assert.deepEqual(byKey(await read()), ['a 1', 'b 2'])
    }),
  ]
  if (upserts)
    cases.push(
      check('sets and deletes a key in every order, within a write and over partitions', target =>
        everyOrder(target, ['a', 'a']),
      ),
      check('keeps the last value of a key, within a write and across writes', async ({ sink, read }) => {
        const writer = await sink().open(sinkContext())
        await writer.write([row(0, 0, 'a', 1), row(0, 1, 'b', 2), row(0, 2, 'a', 3)], at([0, 3]))
        await writer.write([row(0, 3, 'b', 4)], at([0, 4]))
        await writer.close()
        assert.deepEqual(byKey(await read()), ['a 3', 'b 4'])
      }),
      check(
        'deletes by null, within a write and across writes, and accepts the key again',
        async ({ sink, read }) => {
          const writer = await sink().open(sinkContext())
          await writer.write(
            [row(0, 0, 'a', 1), row(0, 1, 'b', 2), row(0, 2, 'b', null), row(0, 3, 'x', null)],
            at([0, 4]),
          )
          assert.deepEqual(byKey(await read()), ['a 1'])
          await writer.write([row(0, 4, 'a', null), row(0, 5, 'b', null), row(0, 6, 'b', 5)], at([0, 7]))
          assert.deepEqual(byKey(await read()), ['b 5'])
          await writer.write([row(0, 7, 'a', 6)], at([0, 8]))
          await writer.close()
          assert.deepEqual(byKey(await read()), ['a 6', 'b 5'])
        },
      ),
    )
  if (oneKey)
    cases.push(
      check(
        'keeps the last record of keys that are one key of the target, in every order',
        target => everyOrder(target, oneKey.keys),
        oneKey.make,
      ),
    )
  if (refused && names)
    cases.push(
      check('names every refused row of a write, and no other', async ({ sink, read }) => {
        const writer = await sink().open(sinkContext())
        const rows = Array.from({ length: 50 }, (_, n) => row(n % 2, n >> 1, `k${n}`, n)).map((one, n) =>
          n % 7 === 3 ? { ...one, value: refused } : one,
        )
        const to = at([0, 25], [1, 25])
        await assert.rejects(writer.write(rows, to), error => {
          assert.ok(error instanceof RowsRefused)
          assert.deepEqual([...error.reasons.keys()], [3, 10, 17, 24, 31, 38, 45])
          return true
        })
        const good = rows.filter(({ value }) => value !== refused)
        await writer.write(good, to)
        await writer.close()
        assert.equal((await read()).length, good.length)
      }),
    )
  if (refused)
    cases.push(
      check('leaves nothing of a write with a refused row', async ({ sink, read }) => {
        const writer = await sink().open(sinkContext())
        const rows = [row(0, 0, 'a', 1), { ...row(0, 1, 'b', 2), value: refused }, row(0, 2, 'c', 3)]
        await assert.rejects(writer.write(rows, at([0, 3])), error => isMillraceError(error, 'SINK_REFUSED'))
        assert.deepEqual(await read(), [])
        assert.deepEqual(await writer.committed(), new Map())
        await writer.write([rows[0]!, rows[2]!], at([0, 3]))
        await writer.close()
        assert.deepEqual(byKey(await read()), ['a 1', 'c 3'])
      }),
    )
  return cases
}

/**
 * Every order of setting and deleting by either key, in writes of up to three rows, over both partitions.
 * Each write starts with the rows that the last one left. The keys are one key of the target.
 */
async function everyOrder({ sink, read }: SinkTarget, keys: readonly [string, string]): Promise<void> {
  const steps = keys.flatMap(key => [true, false].map(sets => ({ key, sets })))
  const orders = steps.flatMap(one => [[one], ...steps.flatMap(two => steps.map(three => [one, two, three]))])
  const writer = await sink().open(sinkContext())
  let offset = 0
  for (const order of orders) {
    const rows = order.map(({ key, sets }, i) => row(i % 2, offset + i, key, sets ? offset + i : null))
    offset += order.length
    await writer.write(rows, at([0, offset], [1, offset]))
    const found = (await read()).map(({ n }) => n)
    assert.deepEqual(found, order.at(-1)!.sets ? [offset - 1] : [], JSON.stringify(order))
  }
  await writer.close()
}

/** A context for a sink over {@link sampleTopic}. */
export function sinkContext(topicId = 'the topic'): SinkContext<string, Sample> {
  const { partitions } = sampleTopic
  return {
    topic: sampleTopic,
    topicId,
    partitions: partitions!,
    clock: systemClock,
    signal: new AbortController().signal,
    observer: {},
  }
}

function row(partition: number, offset: number, key: string, n: number | null): SinkRow<string, Sample> {
  return { partition, offset, timestamp: 1000 + offset, key, value: n === null ? null : { n, note: null } }
}

const at = (...offsets: [partition: number, offset: number][]): Offsets => new Map(offsets)

const byKey = (rows: readonly { key: string; n: number }[]): string[] =>
  rows.map(({ key, n }) => `${key} ${n}`).sort()
