import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import { fromLatin1, isMillraceError, latin1, systemClock, type Clock } from '../base/index.ts'
import type { BatchToAppend } from '../port/index.ts'
import { BatchBuilder } from '../wire/index.ts'
import {
  changelogBatchBytesMax,
  changelogTopic,
  restore,
  writeChanges,
  type RestoreOptions,
} from './changelog.ts'
import { KeyedState, type StateChange } from './keyed-state.ts'
import { recordedLog, type RecordedLog } from './recorded-log.test-support.ts'
import { restoreEntry } from './restore-entry.test-support.ts'

const place = { topic: changelogTopic('app', 'sums'), partition: 0 }
const change = (key: string, value: string | undefined): StateChange => [
  fromLatin1(key),
  value === undefined ? undefined : fromLatin1(value),
]
const empty = (): KeyedState<unknown> => new KeyedState('sums')
const contents = (state: KeyedState<unknown>): string[] =>
  Array.from(state.stored(), ([key, value]) => `${latin1(key)}=${latin1(value)}`).sort()
const restored = async (
  log: RecordedLog,
  state = empty(),
  options: Partial<RestoreOptions> = {},
): Promise<KeyedState<unknown>> => {
  await restore(log.port, state, { ...place, clock: systemClock, ...options })
  return state
}

function write(
  log: RecordedLog,
  changes: StateChange[],
  outcome: 'commit' | 'abort' = 'commit',
  format?: string,
): void {
  writeChanges({ ...place, format }, changes, 0, (...batch) => log.append(...batch))
  log.end(outcome)
}

test('state is rebuilt from committed changes, up to the readable end', async () => {
  const log = recordedLog()
  write(log, [change('a', '1'), change('b', '2')])
  write(log, [change('c', '3'), change('a', undefined)], 'abort')
  write(log, [change('b', undefined), change('a', '4')])
  write(log, [change('x', '5')], 'abort')
  const state = await restored(log)
  assert.deepEqual(contents(state), ['a=4'])
  assert.equal(state.position, log.endOffset, 'past markers and aborted records')
})

test('an empty changelog gives an empty state that has a position', async () => {
  assert.equal((await restored(recordedLog())).position, 0)
})

test('a state that lags is brought up to date, without reading its changes again', async () => {
  const log = recordedLog()
  write(log, [change('a', '1')])
  const state = await restored(log)
  write(log, [change('b', '2')])
  assert.deepEqual((await restore(log.port, state, { ...place, clock: systemClock })).records, 1)
  assert.deepEqual(contents(state), ['a=1', 'b=2'])
})

test('a fetch may begin inside a batch', async () => {
  const log = recordedLog()
  write(log, [change('a', '1'), change('b', '2'), change('c', '3')])
  const state = empty()
  restoreEntry(state, fromLatin1('a'), fromLatin1('kept'))
  state.restored(1)
  assert.deepEqual(contents(await restored(log, state)), ['a=kept', 'b=2', 'c=3'])
})

test('a state whose position is past the end or before the start of the log is rebuilt', async () => {
  for (const position of [100, 0]) {
    const log = recordedLog()
    write(log, [change('old', '1')])
    write(log, [change('new', '2')])
    log.trimTo(2)
    const state = empty()
    restoreEntry(state, fromLatin1('stray'), fromLatin1('1'))
    state.restored(position)
    assert.deepEqual(contents(await restored(log, state)), ['new=2'])
  }
})

test('batches are bounded', () => {
  const sizes: number[] = []
  const changes = Array.from({ length: 50 }, (_, i) => change(`key-${i}`, 'x'.repeat(30_000)))
  let records = 0
  writeChanges(place, changes, 0, (_topic, _partition, batch: BatchToAppend) => {
    records += batch.count
    sizes.push((batch as BatchBuilder).sizeBytes)
  })
  assert.equal(records, 50)
  assert.ok(sizes.length > 1 && sizes.every(size => size < changelogBatchBytesMax + 40_000))
  writeChanges(place, [], 0, () => assert.fail('nothing is written for nothing'))
})

test('a commit that ends in a tombstone adds a record that compaction keeps', async () => {
  const log = recordedLog()
  write(log, [change('a', '1'), change('b', '2')])
  write(log, [change('b', undefined), change('a', undefined)])
  const last = log.records().at(-1)
  assert.deepEqual([last?.key, last?.value?.length], ['', 0])
  const { end } = await restore(log.port, empty(), { ...place, clock: systemClock })
  assert.equal(end, last!.offset + 1)
  assert.deepEqual(contents(await restored(log)), [])
})

test('a compacted changelog gives the same state, and the same end', () =>
  forSeeds(1000, async random => {
    const log = recordedLog()
    const rows = new Map<string, string>()
    let end = 0
    for (let commit = 0; commit < 1 + random.int(12); commit += 1) {
      const keys = new Set(Array.from({ length: 1 + random.int(4) }, () => `key ${random.int(6)}`))
      const changes = [...keys].map(key =>
        change(key, random.int(3) === 0 ? undefined : `${commit}${'x'.repeat(random.int(3))}`),
      )
      const outcome = random.int(5) === 0 ? 'abort' : 'commit'
      write(log, changes, outcome)
      if (outcome === 'abort') continue
      end = log.endOffset - 1
      for (const [key, value] of changes) {
        if (value === undefined) rows.delete(latin1(key))
        else rows.set(latin1(key), latin1(value))
      }
    }
    log.compact(random.int(log.endOffset + 1))
    if (random.int(2) === 0) log.compact(log.endOffset)
    const state = empty()
    assert.equal((await restore(log.port, state, { ...place, clock: systemClock })).end, end)
    assert.deepEqual(contents(state), Array.from(rows, ([key, value]) => `${key}=${value}`).toSorted())
  }))

test('reads layout 1, of 0.1.0', async () => {
  const log = recordedLog()
  const batch = new BatchBuilder()
  batch.append(0, fromLatin1('a'), fromLatin1('1'), [{ key: 'millrace.state', value: fromLatin1('1 sums') }])
  batch.append(0, fromLatin1('b'), null)
  log.append(place.topic, 0, batch)
  log.end('commit')
  assert.deepEqual(contents(await restored(log, empty(), { format: 'sums' })), ['a=1'])
})

test('a long restore lets the event loop turn', async () => {
  const log = recordedLog()
  for (let i = 0; i < 5; i++)
    write(
      log,
      Array.from({ length: 10_000 }, (_, n) => change(`key-${n}`, `${i}`)),
    )
  let yields = 0
  const clock: Clock = { ...systemClock, yield: () => (yields++, Promise.resolve()) }
  const seen: number[] = []
  await restored(log, empty(), { clock, onProgress: ({ records }) => seen.push(records) })
  assert.equal(yields, 2)
  assert.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  )
})

test('a restore that takes longer than tombstones are kept reads again, a few times', async () => {
  const log = recordedLog()
  write(
    log,
    Array.from({ length: 20_000 }, (_, n) => change(`key-${n}`, '1')),
  )
  for (const slow of [1, 2, 3]) {
    let now = 0
    let reads = 0
    const clock: Clock = {
      ...systemClock,
      monotonic: () => now,
      yield: () => {
        reads += 1
        if (reads <= slow) now += 60
        if (reads === 1) write(log, [change('key-7', undefined)])
        return Promise.resolve()
      },
    }
    const restoring = restored(log, empty(), { clock, tombstonesMs: 60 })
    if (slow < 3) assert.equal((await restoring).storedCount, 19_999)
    else await assert.rejects(restoring, error => isMillraceError(error, 'LIMIT_EXCEEDED'))
    assert.equal(reads, Math.min(slow + 1, 3))
  }
})

test('a restore can be aborted', async () => {
  const log = recordedLog()
  write(log, [change('a', '1')])
  await assert.rejects(restored(log, empty(), { signal: AbortSignal.abort(new Error('stop')) }), /stop/)
})

test('refuses state of another format', async () => {
  const isIncompatible = (error: unknown): boolean => isMillraceError(error, 'STATE_INCOMPATIBLE')
  const log = recordedLog()
  write(log, [change('a', '1')], 'commit', 'windows')
  assert.deepEqual(contents(await restored(log, empty(), { format: 'windows' })), ['a=1'])
  for (const format of [undefined, 'sessions']) {
    const state = empty()
    await assert.rejects(restored(log, state, { format }), isIncompatible)
    assert.equal(state.storedCount, 0)
  }
  const foreign = recordedLog()
  const batch = new BatchBuilder()
  batch.append(0, fromLatin1('a'), fromLatin1('1'), [{ key: 'millrace.state', value: fromLatin1('3') }])
  foreign.append(place.topic, 0, batch)
  foreign.end('commit')
  await assert.rejects(restored(foreign), isIncompatible)
})

test('a changelog whose last batch begins with a tombstone is refused in another format once compacted', async () => {
  const log = recordedLog()
  write(log, [change('a', '1')], 'commit', 'windows')
  write(log, [change('a', undefined), change('b', '2'), change('c', '3')], 'commit', 'windows')
  log.compact(log.endOffset)
  assert.deepEqual(contents(await restored(log, empty(), { format: 'windows' })), ['b=2', 'c=3'])
  await assert.rejects(restored(log, empty(), { format: 'sessions' }), error =>
    isMillraceError(error, 'STATE_INCOMPATIBLE'),
  )
})
