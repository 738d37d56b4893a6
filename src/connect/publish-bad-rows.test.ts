/** Rows that cannot be published, and the policies for them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as v from 'valibot'
import { z } from 'zod'
import { isCode } from '../../test/is-code.ts'
import { json, text, topic, type ErrorPolicy } from '../schema/index.ts'
import { Crash, CrashingLog } from './crashing-log.test-support.ts'
import { publish } from './publish.ts'
import type { PublishOptions, PublishTopic } from './publish-options.ts'
import { BadRow } from './source.ts'
import { key, type Row, rows, rowsOf, things } from './published-rows.test-support.ts'

describe('bad rows', () => {
  const bad: (Row | BadRow)[] = [
    { id: 'a', n: 1 },
    new BadRow('2 fields instead of 3', 'x,y'),
    { id: 'a', n: 1.5 },
    { id: 'a', n: -4 },
    { id: 'throws', n: 2 },
    { id: 'a', n: 5 },
  ]
  const throwing = (row: Row): string => {
    if (row.id === 'throws') throw new Error('no key')
    return row.id
  }

  test('fail: names the row, and nothing of the transaction is seen', async () => {
    const log = new CrashingLog()
    await assert.rejects(
      publish(log, things, rowsOf(bad), { key: throwing }),
      isCode('SOURCE_MALFORMED', /row 1 .*2 fields/),
    )
    assert.deepEqual(await log.read('things'), [])
  })

  test('skip: counts them', async () => {
    const log = new CrashingLog()
    const places: string[] = []
    const observer = { onBadRecord: ({ place }: { place: string }) => places.push(place) }
    const { published, skipped } = await publish(log, things, rowsOf(bad), {
      key: throwing,
      onError: 'skip',
      observer,
    })
    assert.deepEqual([published, skipped], [2, 4])
    assert.deepEqual(places, ['row 1', 'row 2', 'row 3', 'row 4'])
    assert.deepEqual(
      (await log.read('things')).map(({ value }) => (JSON.parse(value!) as Row).n),
      [1, 5],
    )
  })

  test('dead letters: the originals, with reason and place, once over crashes', async () => {
    const log = new CrashingLog()
    let crashes = 2
    log.onCommit = when => {
      if (crashes > 0 && when === (crashes === 2 ? 'before' : 'after')) {
        crashes--
        throw new Crash()
      }
    }
    for (let done = false; !done;)
      try {
        ;({ done } = await publish(log, things, rowsOf(bad), {
          key: throwing,
          onError: { deadLetter: 'letters' },
          commitBytes: 1,
        }))
      } catch (error) {
        if (!(error instanceof Crash)) throw error
      }
    const letters = await log.read('letters')
    assert.deepEqual(
      letters.map(({ value, headers }) => [value, headers['millrace.place'], headers['millrace.source']]),
      [
        ['x,y', 'row 1', 'rows'],
        ['{"id":"a","n":1.5}', 'row 2', 'rows'],
        ['{"id":"a","n":-4}', 'row 3', 'rows'],
        ['{"id":"throws","n":2}', 'row 4', 'rows'],
      ],
    )
    assert.match(letters[3]!.headers['millrace.stack']!, /no key/)
    assert.equal((await log.read('things')).length, 2)
  })

  test('a schema that validates asynchronously ends the run, whatever the policy', async () => {
    const slow = topic('slow', {
      key: text(),
      value: z.object({ id: z.string(), n: z.int() }).refine(() => Promise.resolve(true)),
    })
    await assert.rejects(
      publish(new CrashingLog(), slow, rowsOf(rows(3)), { key, onError: 'skip' }),
      isCode('SCHEMA_ASYNC'),
    )
  })
})

describe('the policy decides for every fault of a row', () => {
  const thrown = (): never => {
    throw new Error('not this one')
  }
  const throws = topic('throws', {
    key: z.string(),
    value: v.pipe(
      v.object({ id: v.string(), n: v.number() }),
      v.check(({ n }) => (n === 1 ? thrown() : true)),
    ),
  })
  const values = topic('values', { key: z.string(), value: v.object({ id: v.string(), n: v.number() }) })
  const timed = topic('timed', {
    key: z.string(),
    value: json<Row>(),
    timestamp: ({ n }) => (n === 1 ? NaN : n),
  })
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  // Of three rows the second is bad.
  const check = (
    name: string,
    to: PublishTopic<string, Row>,
    options: Partial<PublishOptions<Row, string, Row>>,
    about: RegExp,
    original = '{"id":"id 1","n":1}',
  ): void => {
    test(name, async () => {
      const run = (onError: ErrorPolicy, log: CrashingLog): ReturnType<typeof publish> =>
        publish(log, to, rowsOf(rows(3)), { key, ...options, onError })
      const left = async (log: CrashingLog): Promise<unknown[]> =>
        (await log.read(to.name)).map(({ value }) => value)
      const expected = ['{"id":"id 0","n":0}', '{"id":"id 2","n":2}']

      const failed = new CrashingLog()
      await assert.rejects(run('fail', failed), isCode('SOURCE_MALFORMED', about))
      await assert.rejects(run('fail', failed), isCode('SOURCE_MALFORMED', /row 1 /))
      assert.deepEqual(await left(failed), [])

      const skipped = new CrashingLog()
      assert.equal((await run('skip', skipped)).skipped, 1)
      assert.deepEqual(await left(skipped), expected)

      const kept = new CrashingLog()
      assert.equal((await run({ deadLetter: 'letters' }, kept)).deadLettered, 1)
      assert.deepEqual(await left(kept), expected)
      const [letter] = await kept.read('letters')
      assert.equal(letter?.value, original)
      assert.equal(letter.headers['millrace.place'], 'row 1')
      assert.match(letter.headers['millrace.reason']!, about)
    })
  }
  const second =
    <T>(value: T) =>
    (row: Row): T | undefined =>
      row.n === 1 ? value : undefined
  check('its schema throws', throws, {}, /not this one/)
  const zodThrows = topic('zod-throws', {
    key: z.string(),
    value: z.object({ id: z.string(), n: z.int() }).refine(({ n }) => (n === 1 ? thrown() : true)),
  })
  check('its zod schema throws', zodThrows, {}, /not this one/)
  check(
    'its value cannot be read back',
    values,
    { value: row => second({ id: 'x', n: Infinity })(row) ?? row },
    /n/,
  )
  check(
    'its value is missing',
    things,
    { value: row => (row.n === 1 ? (undefined as never) : row) },
    /value.*missing/,
  )
  check(
    'its value has a cycle',
    topic('any', { key: z.string(), value: json<Row>() }),
    {
      value: row => second(cyclic as never)(row) ?? row,
    },
    /cycl|circular/i,
  )
  check(
    'the function for its value throws',
    things,
    { value: row => (second(1)(row) ? thrown() : row) },
    /not this one/,
  )
  check(
    'it has no key',
    things,
    { key: row => (row.n === 1 ? (undefined as never) : row.id) },
    /key.*not optional/,
  )
  check(
    'its key is a promise',
    things,
    { key: row => (row.n === 1 ? (Promise.resolve('x') as never) : row.id) },
    /key/,
  )
  check('its time is in the topic, and none', timed, {}, /timestamp.*NaN/)
  for (const time of [undefined, NaN, 1.5, -1, '7', new Date(0), 9e15])
    check(
      `its time is ${String(time)}`,
      things,
      { timestamp: row => (row.n === 1 ? (time as number) : row.n) },
      /timestamp/,
    )
  test('it is larger than a batch of the topic: the others fill batches that fit', async () => {
    const log = new CrashingLog()
    await log.createTopic('things', { partitions: 3, configs: { 'segment.bytes': 200 } })
    const large = (row: Row): string => (row.n === 7 ? 'x'.repeat(300) : row.id)
    await assert.rejects(
      publish(log, things, rowsOf(rows(30)), { key: large }),
      isCode('SOURCE_MALFORMED', /row 7 .*more than the 200 that the topic takes/),
    )
    const stats = await publish(log, things, rowsOf(rows(30)), {
      key: large,
      onError: { deadLetter: 'letters' },
    })
    assert.deepEqual([stats.published, stats.deadLettered], [29, 1])
    assert.equal((await log.read('things')).length, 29)
    assert.equal((await log.read('letters'))[0]?.value, '{"id":"id 0","n":7}')
  })
})
