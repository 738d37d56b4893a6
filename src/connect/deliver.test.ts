import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { isCode } from '../../test/is-code.ts'
import { forSeeds } from '../../test/for-seeds.ts'
import { isMillraceError } from '../base/index.ts'
import { json, text, topic } from '../schema/index.ts'
import { BatchBuilder } from '../wire/index.ts'
import { duckdb } from './connectors/duckdb.ts'
import { deliver } from './deliver.ts'
import type { DeliverOptions } from './deliver-options.ts'
import { Crash, CrashingLog } from './crashing-log.test-support.ts'
import { MemoryTarget } from './memory-sink.test-support.ts'
import { retrying } from './retrying.ts'
import {
  append,
  counting,
  logOf,
  sorted,
  things,
  upTo,
  valuesOf,
  type Line,
  type Thing,
} from './things.test-support.ts'

const byText = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

describe('deliver', () => {
  test('delivers committed records up to the end, in order per partition, and no aborted ones', async () => {
    const log = await logOf(counting(50))
    const target = new MemoryTarget<string, Thing>()
    const stats = await deliver(log, things, target.sink(), { until: 'end' }).done
    assert.equal(stats.delivered, 50)
    for (const partition of [0, 1])
      assert.deepEqual(
        target.rows.filter(row => row.partition === partition).map(({ value }) => value!.n),
        upTo(50).filter(n => n % 2 === partition),
      )
    assert.deepEqual(target.rows[0], { partition: 0, offset: 0, timestamp: 1000, key: 'k0', value: { n: 0 } })
  })

  test('continues at the offsets of the target', async () => {
    const log = await logOf(counting(10))
    const target = new MemoryTarget<string, Thing>()
    await deliver(log, things, target.sink(), { until: 'end' }).done
    await append(log, counting(4))
    const stats = await deliver(log, things, target.sink(), { until: 'end' }).done
    assert.equal(stats.delivered, 4)
    assert.equal((await deliver(log, things, target.sink(), { until: 'end' }).done).delivered, 0)
  })

  test("begins inside a batch, if the target's offset is there", async () => {
    const log = new CrashingLog()
    await log.createTopic('things', { partitions: 2 })
    const builder = new BatchBuilder()
    for (const n of upTo(10)) builder.append(n, 'k', `{"n":${n}}`)
    await (await log.openWriter()).append('things', 0, builder)
    const target = new MemoryTarget<string, Thing>()
    target.offsets.set(0, 6)
    await deliver(log, things, target.sink(), { until: 'end' }).done
    assert.deepEqual(valuesOf(target), [6, 7, 8, 9])
  })

  test('finish: delivers all records up to that moment', async () => {
    const log = await logOf([])
    const target = new MemoryTarget<string, Thing>()
    const delivery = deliver(log, things, target.sink(), { commitInterval: '1ms' })
    await append(log, counting(20))
    const stats = await delivery.finish()
    assert.equal(stats.delivered, 20)
    assert.deepEqual(sorted(valuesOf(target)), upTo(20))
  })

  test('stop: commits the records that were read', async () => {
    const log = await logOf(counting(20))
    const target = new MemoryTarget<string, Thing>()
    const stop = new AbortController()
    const delivery = deliver(log, things, target.sink(), {
      signal: stop.signal,
      transactionRows: 5,
      observer: { onProgress: ({ records }) => records >= 10 && stop.abort() },
    })
    const { delivered } = await delivery.done
    assert.ok(delivered >= 10 && delivered < 20)
    assert.equal(target.rows.length, delivered)
    assert.deepEqual(await delivery.stop(), await delivery.done)
    const rest = await deliver(log, things, target.sink(), { until: 'end' }).done
    assert.equal(delivered + rest.delivered, 20)
  })

  test('transactions are bounded in rows, in bytes and in time', async () => {
    const log = await logOf(counting(100))
    const writesWith = async (options: DeliverOptions): Promise<number> => {
      const target = new MemoryTarget<string, Thing>()
      await deliver(log, things, target.sink(), { until: 'end', ...options }).done
      return target.writes
    }
    assert.equal(await writesWith({}), 1)
    assert.equal(await writesWith({ transactionRows: 10 }), 10)
    assert.ok((await writesWith({ transactionBytes: 90 })) >= 10)
    const target = new MemoryTarget<string, Thing>()
    const delivery = deliver(log, things, target.sink(), { commitInterval: '5ms' })
    while (target.writes === 0) await new Promise(resolve => setTimeout(resolve, 1))
    await delivery.stop()
  })

  test('waits for a missing topic, and creates one that is declared with partitions', async () => {
    const target = new MemoryTarget<string, Thing>()
    const unsure = topic('unsure', { key: z.string(), value: z.object({ n: z.int() }) })
    await assert.rejects(
      deliver(new CrashingLog(), unsure, target.sink(), { until: 'end' }).done,
      isCode('UNKNOWN_TOPIC'),
    )
    const log = new CrashingLog()
    assert.equal((await deliver(log, things, target.sink(), { until: 'end' }).done).delivered, 0)
    assert.equal((await log.describeTopic('things'))?.partitions, 2)
  })

  test('a target whose offset is outside the topic', async () => {
    const log = await logOf(counting(5))
    const target = new MemoryTarget<string, Thing>()
    target.offsets.set(0, 1000)
    await assert.rejects(
      deliver(log, things, target.sink(), { until: 'end' }).done,
      isCode('OFFSET_OUT_OF_RANGE', /1000 of things, partition 0/),
    )
  })

  test('does not deliver a topic that is created again while its delivery starts', async () => {
    const log = await logOf(counting(5))
    const target = new MemoryTarget<string, Thing>()
    const ask = log.describeTopic.bind(log)
    let asked = 0
    log.describeTopic = async name => {
      const found = await ask(name)
      // Asked first to be created, then for its id, then again once it is read.
      return found && { ...found, id: ++asked > 2 ? 'another' : found.id }
    }
    const done = deliver(log, things, target.sink(), { until: 'end' }).done
    await assert.rejects(done, isCode('UNKNOWN_TOPIC', /deleted/))
    assert.equal(target.writes, 0)
  })

  test('fences a replaced writer', async () => {
    const log = await logOf(counting(5))
    const target = new MemoryTarget<string, Thing>()
    const old = deliver(log, things, target.sink(), { commitInterval: '1ms' })
    old.done.catch(() => {})
    while (target.rows.length < 5) await new Promise(resolve => setTimeout(resolve, 1))
    const next = deliver(log, things, target.sink())
    next.done.catch(() => {})
    while (target.epoch < 2) await new Promise(resolve => setTimeout(resolve, 1))
    await append(log, counting(3))
    await assert.rejects(old.finish(), isCode('SINK_FENCED'))
    await next.finish()
    assert.equal(target.rows.length, 8)
  })

  test('reports lag, phases and counts', async () => {
    const log = await logOf(counting(6))
    const seen: unknown[] = []
    await deliver(log, things, new MemoryTarget<string, Thing>().sink(), {
      until: 'end',
      observer: {
        onPhase: phase => seen.push(phase),
        onProgress: ({ records, lag, commits }) => seen.push([records, lag, commits]),
      },
    }).done
    assert.deepEqual(seen, ['loading', 'idle', [6, 0, 1]])
  })
})

describe('bad records', () => {
  const lines: Line[] = [
    [0, 'a', { n: 0 }],
    [0, 'a', 'not json'],
    [1, 'b', '{"n":"text"}'],
    [0, 'a', { n: 13 }],
    [1, 'b', { n: 1 }],
    [0, 'a', null],
    [1, 'b', { n: 13 }],
    [0, 'a', { n: 2 }],
  ]
  const unlucky = (): MemoryTarget<string, Thing> => {
    const target = new MemoryTarget<string, Thing>()
    target.refuses = ({ value }) => value?.n === 13
    return target
  }

  test('fail: names the record, and delivers nothing past it', async () => {
    const log = await logOf(lines)
    await assert.rejects(
      deliver(log, things, unlucky().sink(), { until: 'end' }).done,
      // Each of the two partitions has a malformed record: the one that is read first is named.
      isCode('MALFORMED_RECORD', /partition 1, offset 0 .*n: |partition 0, offset 4 .*not JSON/),
    )
    const refused = await logOf([
      [0, 'a', { n: 0 }],
      [0, 'a', { n: 1 }],
      [0, 'a', { n: 13 }],
      [0, 'a', { n: 3 }],
    ])
    const target = unlucky()
    await assert.rejects(
      deliver(refused, things, target.sink(), { until: 'end' }).done,
      isCode('SINK_REFUSED', /partition 0, offset \d+/),
    )
    assert.deepEqual(valuesOf(target), [0, 1])
    const unfit = new MemoryTarget<string, Thing>()
    unfit.cannotTake = ({ value }) => value!.n === 13
    await assert.rejects(
      deliver(refused, things, unfit.sink(), { until: 'end' }).done,
      isCode('SINK_REFUSED', /partition 0, offset \d+/),
    )
    assert.deepEqual(valuesOf(unfit), [0, 1])
  })

  test('skip: delivers all other records', async () => {
    const log = await logOf(lines)
    const target = unlucky()
    const stats = await deliver(log, things, target.sink(), { until: 'end', onError: 'skip' }).done
    assert.deepEqual([stats.delivered, stats.skipped], [4, 4])
    assert.deepEqual(
      target.rows.map(({ value }) => value?.n ?? null),
      [0, 1, null, 2],
    )
    assert.equal(
      (await deliver(log, things, target.sink(), { until: 'end', onError: 'skip' }).done).skipped,
      0,
    )
  })

  test('the offsets of dead letters are committed with the leader epoch of their batch', async () => {
    const log = await logOf(lines)
    await deliver(log, things, unlucky().sink(), { until: 'end', onError: { deadLetter: 'letters' } }).done
    const offsets = (await log.listGroups()).flatMap(group => group.offsets)
    assert.deepEqual([...new Set(offsets.map(({ leaderEpoch }) => leaderEpoch))], [0])
  })

  test('rows that the sink names cost one more try, however many', async () => {
    const log = await logOf(counting(100))
    const target = new MemoryTarget<string, Thing>()
    target.cannotTake = ({ value }) => value!.n % 3 === 0
    const { delivered, skipped } = await deliver(log, things, target.sink(), {
      until: 'end',
      onError: 'skip',
    }).done
    assert.deepEqual([delivered, skipped, target.writes], [66, 34, 1])
  })

  test('a schema that validates asynchronously ends the delivery, whatever the policy', async () => {
    const slow = topic('things', {
      key: text(),
      value: z.object({ n: z.int() }).refine(() => Promise.resolve(true)),
      partitions: 2,
    })
    const done = deliver(await logOf(lines), slow, unlucky().sink(), { until: 'end', onError: 'skip' }).done
    await assert.rejects(done, isCode('SCHEMA_ASYNC'))
  })

  test('a failure waits for the caller that has taken the outcome, and the progress reports it', async () => {
    const unhandled: unknown[] = []
    const note = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', note)
    try {
      const nowhere = topic('nowhere', { key: text(), value: json<Thing>() })
      const delivery = deliver(await logOf(lines), nowhere, unlucky().sink(), { until: 'end' })
      const { done } = delivery
      assert.equal(delivery.progress().state, 'running')
      await new Promise(resolve => setImmediate(resolve))
      assert.deepEqual(unhandled, [])
      const { state, error } = delivery.progress()
      assert.deepEqual([state, isMillraceError(error, 'UNKNOWN_TOPIC')], ['failed', true])
      await assert.rejects(done, isCode('UNKNOWN_TOPIC'))
      await assert.rejects(delivery.stop(), isCode('UNKNOWN_TOPIC'))
      await assert.rejects(delivery.finish(), isCode('UNKNOWN_TOPIC'))
    } finally {
      process.off('unhandledRejection', note)
    }
  })

  test('crashes anywhere: each good record is delivered once, each bad one is a letter once', () =>
    forSeeds(300, async random => {
      const all: Line[] = Array.from({ length: random.int(40) }, (_, n) => [
        random.int(2),
        `k${random.int(4)}`,
        random.int(6) === 0 ? `bad ${n}` : { n: n + [0, 0, 0, 1000, 2000][random.int(5)]! },
      ])
      const log = await logOf(all, 1 + random.int(4))
      const target = new MemoryTarget<string, Thing>()
      target.refuses = ({ value }) => value!.n >= 1000 && value!.n < 2000
      target.cannotTake = ({ value }) => value!.n >= 2000
      let crashes = 5
      const perhaps = (): void => {
        if (crashes > 0 && random.int(4) === 0) {
          crashes--
          throw new Crash()
        }
      }
      target.onWrite = perhaps
      log.onCommit = perhaps
      const options = {
        until: 'end',
        onError: { deadLetter: 'letters' },
        transactionRows: 1 + random.int(12),
      } as const
      for (;;)
        try {
          await deliver(log, things, target.sink(), options).done
          break
        } catch (error) {
          if (!(error instanceof Crash)) throw error
        }
      const good = all.flatMap(([, , value]) =>
        typeof value === 'object' && value!.n < 1000 ? [value!.n] : [],
      )
      assert.deepEqual(sorted(valuesOf(target)), good)
      const bad = all.flatMap(([, , value]) =>
        typeof value === 'string' ? [value] : value!.n >= 1000 ? [JSON.stringify(value)] : [],
      )
      const letters = await log.read('letters')
      assert.deepEqual(letters.map(({ value }) => value!).toSorted(byText), bad.toSorted(byText))
      for (const { headers, key } of letters) {
        assert.equal(headers['millrace.topic'], 'things')
        assert.match(headers['millrace.offset']!, /^\d+$/)
        assert.ok(headers['millrace.reason'])
        assert.match(key!, /^k\d$/)
      }
    }))
})

/** Compiled, never run: the types. */
export function types(log: CrashingLog): void {
  deliver(log, things, duckdb('x.duckdb', { table: 't', columns: { key: 'key', n: 'value.n' } }))
  deliver(
    log,
    things,
    duckdb('x.duckdb', {
      table: 't',
      columns: { key: 'key', n: { from: 'value.n', type: 'DOUBLE' }, at: 'record.timestamp' },
    }),
  )
  // @ts-expect-error no such field
  deliver(log, things, duckdb('x.duckdb', { table: 't', columns: { n: 'value.m' } }))
  // @ts-expect-error the key is a string and has no parts
  deliver(log, things, duckdb('x.duckdb', { table: 't', columns: { n: 'key.n' } }))
  // @ts-expect-error a sink for other values
  deliver(log, things, new MemoryTarget<string, { m: string }>().sink())
  // @ts-expect-error a sink for other keys
  deliver(log, things, new MemoryTarget<number, Thing>().sink())
  deliver(
    log,
    topic('others', { key: text(), value: json<Thing>() }),
    retrying(duckdb('x.duckdb', { table: 't' })),
  )
}
