import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { isCode } from '../../test/is-code.ts'
import { forSeeds } from '../../test/for-seeds.ts'
import { partitionFor, systemClock } from '../base/index.ts'
import { json, topic } from '../schema/index.ts'
import { Crash, CrashingLog } from './crashing-log.test-support.ts'
import type { ConnectPhase, ConnectProgress } from './observer.ts'
import { publish } from './publish.ts'
import type { ResumeState, Source } from './source.ts'
import { key, type Row, rows, rowsOf, things } from './published-rows.test-support.ts'

describe('publish', () => {
  test('every row, by key, in order, with the time of the topic', async () => {
    const log = new CrashingLog()
    const stats = await publish(log, things, rowsOf(rows(100)), { key })
    assert.equal(stats.published, 100)
    assert.ok(stats.done)
    const seen = await log.read('things')
    assert.deepEqual(
      seen.map(({ value }) => (JSON.parse(value!) as Row).n).sort((a, b) => a - b),
      rows(100).map(({ n }) => n),
    )
    const last = new Map<string, number>()
    for (const { key: id, value, timestamp, partition } of seen) {
      const { n } = JSON.parse(value!) as Row
      assert.equal(timestamp, n)
      assert.equal(partition, partitionFor(Buffer.from(id!), 3))
      assert.ok((last.get(id!) ?? -1) < n)
      last.set(id!, n)
    }
  })

  test('a second run has nothing left; later rows are published', async () => {
    const log = new CrashingLog()
    const opened: string[] = []
    await publish(log, things, rowsOf(rows(10), 3, opened), { key })
    assert.equal((await publish(log, things, rowsOf(rows(10), 3, opened), { key })).published, 0)
    assert.equal((await publish(log, things, rowsOf(rows(12), 3, opened), { key })).published, 2)
    assert.deepEqual(opened, ['open 0', 'close', 'open 10', 'close', 'open 10', 'close'])
    assert.equal((await log.read('things')).length, 12)
  })

  test('makes values and times from rows; without keys', async () => {
    const log = new CrashingLog()
    const squares = topic('squares', { value: z.int(), partitions: 2 })
    await publish(log, squares, rowsOf(rows(4)), { value: row => row.n ** 2, timestamp: row => row.n + 5 })
    assert.deepEqual(
      (await log.read('squares')).map(({ key: k, value, timestamp }) => [k, value, timestamp]),
      [
        [null, '0', 5],
        [null, '1', 6],
        [null, '4', 7],
        [null, '9', 8],
      ],
    )
  })

  test('the state is stored beside an offset that counts rows', async () => {
    const log = new CrashingLog()
    await publish(log, things, rowsOf(rows(10)), { key, name: 'mine' })
    assert.deepEqual(await log.committedOffsets('connect-mine', [{ topic: 'things', partition: 0 }]), [
      { topic: 'things', partition: 0, offset: 10, metadata: '10' },
    ])
  })

  test('crashes before and after commits: every row once', () =>
    forSeeds(200, async random => {
      const log = new CrashingLog()
      const total = random.int(60)
      let crashes = 4
      log.onCommit = () => {
        if (crashes > 0 && random.int(3) === 0) {
          crashes--
          throw new Crash()
        }
      }
      for (let done = false; !done;)
        try {
          ;({ done } = await publish(log, things, rowsOf(rows(total), 1 + random.int(5)), {
            key,
            commitBytes: random.int(300),
          }))
        } catch (error) {
          if (!(error instanceof Crash)) throw error
        }
      const seen = (await log.read('things')).map(({ value }) => (JSON.parse(value!) as Row).n)
      assert.deepEqual(
        seen.sort((a, b) => a - b),
        rows(total).map(({ n }) => n),
      )
    }))

  test('a signal ends the run and commits published rows, and the next run continues', async () => {
    const log = new CrashingLog()
    const stop = new AbortController()
    const source = rowsOf(rows(50))
    const observer = { onProgress: ({ records }: ConnectProgress) => records >= 20 && stop.abort() }
    const first = await publish(log, things, source, { key, commitBytes: 1, signal: stop.signal, observer })
    assert.equal(first.done, false)
    assert.ok(first.published >= 20 && first.published < 50)
    assert.equal((await log.read('things')).length, first.published)
    const second = await publish(log, things, source, { key })
    assert.equal(first.published + second.published, 50)
  })

  test('a source that waits: earlier rows commit in time, and a signal ends the wait', async () => {
    const log = new CrashingLog()
    const stop = new AbortController()
    let given = false
    const slow: Source<Row> = {
      name: 'slow',
      open: (_, { signal }) =>
        Promise.resolve({
          next() {
            if (!given) {
              given = true
              return Promise.resolve({ rows: rows(2), resume: 2, place: String })
            }
            return new Promise(resolve => signal.addEventListener('abort', () => resolve(undefined)))
          },
          close: () => Promise.resolve(),
        }),
    }
    const observer = { onProgress: () => stop.abort() }
    const stats = await publish(log, things, slow, {
      key,
      commitInterval: '20ms',
      signal: stop.signal,
      observer,
    })
    assert.deepEqual([stats.published, stats.done], [2, false])
    assert.equal((await log.read('things')).length, 2)
  })

  test('a second publisher of the name fences the first', async () => {
    const log = new CrashingLog()
    const observer = {
      onPhase(phase: ConnectPhase) {
        if (phase === 'committing') void log.openWriter({ transactionalId: 'connect-rows-things' })
      },
    }
    await assert.rejects(publish(log, things, rowsOf(rows(10)), { key, observer }), isCode('PRODUCER_FENCED'))
    assert.deepEqual(await log.read('things'), [])
  })

  test('phases and progress', async () => {
    const log = new CrashingLog()
    const seen: unknown[] = []
    const observer = {
      onPhase: (phase: ConnectPhase) => seen.push(phase),
      onProgress: ({ records, commits, lag }: ConnectProgress) => seen.push([records, commits, lag]),
    }
    await publish(log, things, rowsOf(rows(5)), { key, commitBytes: 1, observer })
    assert.deepEqual(seen, [
      'publishing',
      'committing',
      'idle',
      [3, 1, 2],
      'publishing',
      'committing',
      'idle',
      [5, 2, 0],
    ])
  })

  test('a topic with another partition count', async () => {
    const log = new CrashingLog()
    await log.createTopic('things', { partitions: 4 })
    await assert.rejects(publish(log, things, rowsOf([]), { key }), isCode('PARTITION_COUNT_CHANGED'))
  })

  const withState = (resume: ResumeState): Source<Row> => ({
    ...rowsOf([]),
    open: () => {
      let given = false
      const next = (): { rows: Row[]; resume: ResumeState; place: (i: number) => string } | undefined => {
        if (given) return undefined
        given = true
        return { rows: rows(1), resume, place: String }
      }
      return Promise.resolve({ next: () => Promise.resolve(next()), close: () => Promise.resolve() })
    },
  })

  test('a resume state of 300 shards fits; one that is too large is told with the option', async () => {
    const shards = Object.fromEntries(
      Array.from({ length: 300 }, (_, n) => [`shard-${n}`, 1_700_000_000_000 + n]),
    )
    const log = new CrashingLog()
    await publish(log, things, withState(shards), { key })
    const [committed] = await log.committedOffsets('connect-rows-things', [{ topic: 'things', partition: 0 }])
    assert.deepEqual(JSON.parse(committed!.metadata!), shards)
    const to = new CrashingLog()
    await assert.rejects(
      publish(to, things, withState(shards), { key, resumeBytesMax: 4096 }),
      isCode('LIMIT_EXCEEDED', /4096 of the option resumeBytesMax. Set resumeBytesMax higher, up to 32767/),
    )
    // Follows the advice.
    await publish(to, things, withState(shards), { key, resumeBytesMax: 32_767 })
    await assert.rejects(
      publish(to, things, withState('é'.repeat(16_384)), { key }),
      isCode('LIMIT_EXCEEDED', /32770 bytes/),
    )
    await assert.rejects(
      publish(to, things, withState(1), { key, resumeBytesMax: 32_768 }),
      isCode('INVALID_ARGUMENT', /1 to 32767/),
    )
  })
})

describe('a source that holds rows back', () => {
  test('reports it in the counts, and by a notice', async () => {
    const source = rowsOf(rows(2))
    const holding: Source<Row> = {
      ...source,
      open: async (resume, context) => {
        const reader = await source.open(resume, context)
        return { ...reader, waiting: 'a.csv: the last line waits.' }
      },
    }
    const notices: string[] = []
    const stats = await publish(new CrashingLog(), things, holding, {
      key,
      onNotice: message => notices.push(message),
    })
    assert.equal(stats.waiting, 'a.csv: the last line waits.')
    assert.deepEqual(notices, [stats.waiting])
  })

  test('a batch without rows moves its state', async () => {
    const log = new CrashingLog()
    let given = false
    const moving: Source<Row> = {
      name: 'moving',
      open: () =>
        Promise.resolve({
          next: () => {
            const batch = given ? undefined : { rows: [], resume: 'there', place: String }
            given = true
            return Promise.resolve(batch)
          },
          close: () => Promise.resolve(),
        }),
    }
    await publish(log, things, moving, { key })
    assert.deepEqual(
      await log.committedOffsets('connect-moving-things', [{ topic: 'things', partition: 0 }]),
      [{ topic: 'things', partition: 0, offset: 0, metadata: '"there"' }],
    )
  })

  test('an offset that a tool has moved is refused, except 0', async () => {
    const log = new CrashingLog()
    const move = (offset: number, metadata?: string): Promise<void> =>
      log.commitOffsets({
        group: 'connect-rows-things',
        offsets: [{ topic: 'things', partition: 0, offset, ...(metadata !== undefined && { metadata }) }],
      })
    await publish(log, things, rowsOf(rows(3)), { key })
    for (const metadata of [undefined, '', '{'])
      await move(1, metadata).then(() =>
        assert.rejects(
          publish(log, things, rowsOf(rows(3)), { key }),
          isCode('SOURCE_CHANGED', /set the offset to 0/),
        ),
      )
    await move(0)
    assert.equal((await publish(log, things, rowsOf(rows(3)), { key })).published, 3)
  })

  test('dead letters do not go to the topic itself', async () => {
    await assert.rejects(
      publish(new CrashingLog(), things, rowsOf([]), { key, onError: { deadLetter: 'things' } }),
      isCode('INVALID_ARGUMENT', /another topic/),
    )
  })
})

/** Compiled, never run: what the types admit. */
export async function types(log: CrashingLog): Promise<void> {
  const source = rowsOf([])
  await publish(log, things, source, { key: row => row.id })
  // @ts-expect-error a topic with keys needs one of each row
  await publish(log, things, source)
  // @ts-expect-error a key of another type
  await publish(log, things, source, { key: row => row.n })
  // @ts-expect-error no such field
  await publish(log, things, source, { key: row => row.name })
  // @ts-expect-error rows that are not values of the topic must be converted
  await publish(log, topic('other', { value: z.object({ other: z.string() }) }), source)
  // @ts-expect-error a value of another type
  await publish(log, topic('number', { value: z.int() }), source, { value: row => row.id })
  await publish(log, topic('number', { value: json<number>() }), source, { value: row => row.n })
  // @ts-expect-error a topic without keys takes none
  await publish(log, topic('keyless', { value: json<Row>() }), source, { key: row => row.id })
  await publish(log, topic('keyless', { value: json<Row>() }), source)
  await publish(log, things, source, { key: row => row.id, clock: systemClock })
}
