/**
 * KeyedState against a plain sorted model: random reads and writes, commits that succeed, fail or overlap
 * with further writes, and crashes after which the state is built again from its recorded changelog.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import { tinyState } from '../../test/tiny-limits.ts'
import { latin1, systemClock, type Random } from '../base/index.ts'
import { restore, writeChanges } from './changelog.ts'
import { KeyedState, type KeyedStateOptions, type StateChange } from './keyed-state.ts'
import { encodeNamespace } from './namespace.ts'
import { recordedLog, type RecordedLog } from './recorded-log.test-support.ts'
import { restoredFrom } from './restore-entry.test-support.ts'

const steps = 400
const place = { topic: 'app-state-changelog', partition: 0 }
const namespaces = [-(2 ** 40), -1, 0, 1, 1000, 2 ** 32 - 1, 2 ** 32, 1.7e12]
const keys = ['', '\0', 'a', 'a\0', 'b', 'ba', '\x7f', '\x80', '\xff', '\xff\xff']

/** What the state should hold: values by store key, which sorts as the state does. */
type Model = Map<string, { namespace: number; key: string; value: unknown }>

const sortedEntries = (model: Model): { namespace: number; key: string; value: unknown }[] =>
  [...model].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry)

class Case {
  readonly #random: Random
  readonly #log: RecordedLog = recordedLog()
  #state: KeyedState<unknown>
  #model: Model = new Map()
  /** The model as of the last commit, and as of the changes that are being committed. */
  #committed: Model = new Map()
  #committing: Model | undefined
  /** The changes that the commit in progress was given. */
  #asked: readonly StateChange[] = []

  constructor(random: Random) {
    this.#random = random
    this.#state = this.#empty()
  }

  #empty(): KeyedState<unknown> {
    return new KeyedState('model', this.#options())
  }

  #options(): KeyedStateOptions {
    const random = this.#random
    return { isScanned: random.int(2) === 0, ...tinyState(random) }
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.int(list.length)]!
  }

  #value(): unknown {
    const random = this.#random.int(1000)
    return this.#pick<unknown>([
      random,
      null,
      -0,
      { n: random },
      new Map([[random, [1n]]]),
      'x'.repeat(random),
      false,
    ])
  }

  async step(): Promise<void> {
    const state = this.#state
    const model = this.#model
    const namespace = this.#pick(namespaces)
    const key = this.#pick(keys)
    const storeKey = encodeNamespace(namespace) + key
    const bounds = [
      this.#pick([...namespaces, -Infinity, 0.5]),
      this.#pick([...namespaces, Infinity, 0.5]),
    ] as const
    const within = (one: number): boolean => bounds[0] <= one && one < bounds[1]
    switch (
      this.#pick([
        'get',
        'get',
        'put',
        'put',
        'put',
        'put',
        'delete',
        'delete',
        'scan',
        'change',
        'range',
        'first',
        'begin',
        'end',
        'crash',
      ])
    ) {
      case 'get':
        return assert.deepStrictEqual(state.get(namespace, key), model.get(storeKey)?.value)
      case 'put': {
        const value = this.#value()
        state.put(namespace, key, value)
        model.set(storeKey, { namespace, key, value })
        return
      }
      case 'delete':
        state.delete(namespace, key)
        model.delete(storeKey)
        return
      case 'scan':
        return assert.deepStrictEqual(
          [...state.scan(...bounds)],
          sortedEntries(model).filter(entry => within(entry.namespace)),
        )
      case 'change': {
        // The caller of a scan may change the entry that it just visited.
        const expected = sortedEntries(model).filter(entry => within(entry.namespace))
        for (const entry of state.scan(...bounds)) {
          assert.deepStrictEqual(entry, expected.shift())
          const visited = encodeNamespace(entry.namespace) + entry.key
          const value = this.#pick([undefined, this.#value()])
          if (value === undefined) {
            state.delete(entry.namespace, entry.key)
            model.delete(visited)
          } else {
            state.put(entry.namespace, entry.key, value)
            model.set(visited, { ...entry, value })
          }
          // Commits may happen while a scan continues; only a failed one would end it.
          if (this.#random.int(4) === 0) this.#begin()
          if (this.#random.int(4) === 0 && this.#committing) this.#commit()
        }
        return assert.equal(expected.length, 0)
      }
      case 'range':
        for (const _ of state.deleteInTurns(...bounds, () => 3));
        for (const [one, entry] of model) if (within(entry.namespace)) model.delete(one)
        return
      case 'first':
        return assert.equal(state.firstNamespace(), sortedEntries(model)[0]?.namespace)
      case 'begin':
        return this.#begin()
      case 'end':
        return this.#end()
      case 'crash':
        return this.#crash()
    }
  }

  #begin(): void {
    const changes = this.#state.changes()
    if (this.#committing && this.#asked.length > 0)
      return assert.equal(changes, this.#asked, 'changes are the same until they are settled')
    this.#asked = changes
    this.#committing = new Map(this.#model)
    for (const [storeKey, value] of changes)
      if (value === undefined)
        assert.ok(this.#committed.has(latin1(storeKey)), 'a tombstone only for what was committed')
      else assert.ok(this.#model.has(latin1(storeKey)), 'what is written is there')
    writeChanges(place, changes, 0, (...batch) => this.#log.append(...batch))
  }

  #end(): void {
    if (!this.#committing) return
    if (this.#random.int(4) > 0) return this.#commit()
    // As after a commit that was fenced: what is not stored is forgotten.
    this.#log.end('abort')
    this.#state = restoredFrom(this.#state, this.#options())
    this.#model = new Map(this.#committed)
    this.#committing = undefined
    this.checkStored()
  }

  #commit(): void {
    this.#log.end('commit')
    this.#state.committed(this.#log.endOffset)
    this.#committed = this.#committing!
    this.#committing = undefined
    this.checkStored()
  }

  /** The process crashes: changes that were not committed are lost, and sometimes what was stored, too. */
  async #crash(): Promise<void> {
    const landed = this.#random.int(2) === 0
    this.#log.end(landed ? 'commit' : 'abort')
    if (landed && this.#committing) this.#committed = this.#committing
    this.#committing = undefined
    this.#model = new Map(this.#committed)
    this.#state = this.#random.int(2) === 0 ? this.#empty() : restoredFrom(this.#state, this.#options())
    await restore(this.#log.port, this.#state, { ...place, clock: systemClock })
    assert.equal(this.#state.position, this.#log.endOffset)
    this.checkStored()
  }

  /** What is stored is the last commit. */
  checkStored(): void {
    assert.deepStrictEqual(
      Array.from(this.#state.stored(), ([storeKey]) => latin1(storeKey)).sort(),
      [...this.#committed.keys()].sort(),
    )
    assert.equal(this.#state.storedCount, this.#committed.size)
  }
}

test('state equals a sorted map, through commits, failures and crashes', () =>
  forSeeds(1000, async random => {
    const one = new Case(random)
    for (let step = 0; step < steps; step++)
      try {
        await one.step()
      } catch (error) {
        throw new Error(`step ${step}`, { cause: error })
      }
  }))
