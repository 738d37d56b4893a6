/**
 * An operator alone, without app, task or log: records and watermarks go in; records, drops and the entries
 * of its state come out, step by step, as text.
 *
 * Each case runs three times with the same expectation: as it is, with a restart before each step, and with a
 * restart after each row that a watermark settles. An operator that keeps something outside of its state
 * fails there.
 *
 * A step is one of
 *
 *     a 1 @5        a record: key, value as JSON, timestamp; `-` for none. It carries the watermark of the task
 *     a 1 @5 W3     the same, with the watermark of the record's partition
 *     1: a 1 @5     the same, into input 1 (default 0)
 *     a 1←2 @5      a change of a table: 1 replaces 2
 *     W10           the watermark of the task is 10; Winfinity: the input has ended
 *     tick 5        5 ms of processing time pass
 *     get a         what the operator's table holds under a key
 *     get a @5      what it held then
 *
 * Output reads alike: `late: a 1 @5` names the outlet if there are several, `a[0,10) 3 @9 on-time` is a
 * window's result, `dropped null-key` is a drop, and `late` one for lateness. A watermark is shown if it
 * differs from the task's; an on-time result has none.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { binaryString } from '../../base/index.ts'
import { KeyedState, type StateUse } from '../../state/index.ts'
import { restoredFrom } from '../../state/restore-entry.test-support.ts'
import { jsonKeyCodec, rawKeyOf } from './key-codec.ts'
import { type Forward, nowhere, type Operator, type OperatorContext, type OperatorSpec } from './operator.ts'
import { neverLate, noHeaders, StreamRecord } from './record.ts'

/** `state`: the entries as `name namespace key value`, in order. Left out: as after the previous step. */
export type Step = readonly [step: string, out: readonly string[], state?: readonly string[]]

interface CaseOptions {
  /** Records of one key come from several partitions. Default false. */
  readonly acrossPartitions?: boolean
  /** The rows of the tables at its inputs. */
  readonly tables?: readonly (Readonly<Record<string, unknown>> | undefined)[]
  /** The versions of the rows of the tables with history at its inputs, each since a time. */
  readonly histories?: readonly (
    | Readonly<Record<string, readonly (readonly [since: number, value: unknown])[]>>
    | undefined
  )[]
  /** The rows of global tables, by topic. */
  readonly globals?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Outlets that are added to the specification's own, as `emit` does. */
  readonly outlets?: readonly string[]
  /** Whether a restart makes no difference: early results are lost in a restart. Default true. */
  readonly survives?: boolean
}

/** Registers a test: after each step the operator must have this output and this state. */
export function check<In extends readonly StreamRecord[], Out extends readonly StreamRecord[]>(
  name: string,
  spec: OperatorSpec<In, Out>,
  steps: readonly Step[],
  options: CaseOptions = {},
): void {
  test(name, () => {
    const expected: string[] = []
    let state: readonly string[] = []
    for (const [step, out, left = state] of steps) {
      state = left
      expected.push(textOf(step, out, left))
    }
    const { survives = true } = options
    for (const restarts of survives ? (['none', 'each step', 'each row'] as const) : (['none'] as const)) {
      const harness = new Harness(spec, options, restarts === 'each row')
      const found = steps.map(([step]) => {
        if (restarts !== 'none') harness.restart()
        const out = harness.take(step)
        return textOf(step, out, harness.entries())
      })
      deepEqual(found, expected, `restarts: ${restarts}`)
    }
  })
}

function textOf(step: string, out: readonly string[], state: readonly string[]): string {
  return `${step} → ${out.join(', ') || 'nothing'}; keeps ${state.join(', ') || 'nothing'}`
}

type AnySpec = OperatorSpec<readonly StreamRecord[], readonly StreamRecord[]>

/** Turns that a watermark may take. More mean that it never ends. */
const turnsMax = 10_000

class Harness {
  readonly #spec: AnySpec
  readonly #outlets: readonly string[]
  readonly #options: CaseOptions
  /** Whether each row takes a turn, with a restart in between. */
  readonly #byRow: boolean
  readonly #states = new Map<string, KeyedState<unknown>>()
  #operator!: Operator
  #ticks: { readonly everyMs: number; readonly callback: () => void }[] = []
  #alarms: { dueAt: number; readonly ring: () => void }[] = []
  #now = 0
  #watermark = neverLate
  #out: string[] = []

  constructor(spec: AnySpec, options: CaseOptions, byRow: boolean) {
    this.#spec = spec
    this.#options = options
    this.#byRow = byRow
    this.#outlets = [...(spec.outlets ?? ['out']), ...(options.outlets ?? [])]
    this.restart()
  }

  /** The committed part stays: the state, and the place of a firing that is not complete. */
  restart(): void {
    const place = this.#operator?.place?.()
    for (const [name, state] of this.#states) {
      state.committed(0)
      this.#states.set(name, restoredFrom(state))
    }
    this.#ticks = []
    this.#alarms = []
    const to = this.#outlets.map((outlet): Forward => record => {
      this.#out.push(this.#outlets.length > 1 ? `${outlet}: ${this.#show(record)}` : this.#show(record))
    })
    this.#operator = this.#spec.make(this.#context(), to)
    if (place !== undefined) this.#operator.resume?.(place)
  }

  take(step: string): string[] {
    this.#out = []
    const [word = '', rest = ''] = step.split(' ')
    if (word === 'Winfinity') this.#advance(Number.POSITIVE_INFINITY)
    else if (/^W-?\d+$/.test(word)) this.#advance(Number(word.slice(1)))
    else if (word === 'tick') this.#tick(Number(rest))
    else if (word === 'get') this.#out.push(this.#get(step.slice(4)))
    else {
      const [, input = '0', record = ''] = /^(?:(\d): )?(.*)$/.exec(step) ?? []
      this.#operator.inputs[Number(input)]!(this.#recordOf(record))
    }
    return this.#out
  }

  #get(step: string): string {
    const { view } = this.#operator
    const [key = '', at] = step.split(' @')
    const found = at === undefined ? view?.get(rawKey(key), key) : view?.asOf?.(rawKey(key), key, Number(at))
    return JSON.stringify(found) ?? '-'
  }

  entries(): string[] {
    const found: string[] = []
    for (const [name, state] of this.#states)
      for (const { namespace, key, value } of state.scan(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY))
        found.push(`${name} ${namespace} ${storedKey(key)} ${JSON.stringify(value)}`)
    return found
  }

  #advance(watermark: number): void {
    if (this.#operator.advance && watermark >= (this.#operator.deadline?.() ?? neverLate))
      for (let turns = 0; !this.#operator.advance(watermark); turns += 1) {
        if (turns > turnsMax) throw new Error(`it does not come to rest at ${watermark}`)
        this.restart()
      }
    this.#watermark = watermark
  }

  #tick(ms: number): void {
    this.#now += ms
    for (const { everyMs, callback } of this.#ticks) if (ms >= everyMs) callback()
    for (const alarm of this.#alarms)
      while (alarm.dueAt <= this.#now) {
        alarm.dueAt = Number.POSITIVE_INFINITY
        alarm.ring()
      }
    // As a task does after an alarm.
    this.#advance(this.#watermark)
  }

  #context(): OperatorContext {
    return {
      state: <V>(name: string, options?: StateUse) => {
        const state = this.#states.get(name) ?? new KeyedState<unknown>(name, options)
        this.#states.set(name, state)
        return state as KeyedState<V>
      },
      view: index => ({
        get: (_rawKey, key) => this.#options.tables?.[index]?.[String(key)] as never,
        asOf: (_rawKey, key, timestamp) =>
          this.#options.histories?.[index]?.[String(key)]?.findLast(
            ([since]) => since <= timestamp,
          )?.[1] as never,
      }),
      global: topic => ({ get: key => this.#options.globals?.[topic]?.[String(key)] as never }),
      rawKey: record => rawKeyOf(record, jsonKeyCodec),
      keyOf: raw => jsonKeyCodec.decode(raw) as never,
      acrossPartitions: this.#spec.acrossPartitions ?? this.#options.acrossPartitions ?? false,
      watermark: () => this.#watermark,
      drop: reason => this.#out.push(`dropped ${reason}`),
      late: (record, sideOutput) => (sideOutput === nowhere ? this.#out.push('late') : sideOutput(record)),
      emitted: () => {},
      wakeAt: () => {},
      rowsPerTurn: () => (this.#byRow ? 1 : Number.MAX_SAFE_INTEGER),
      attempt: (_about, run) => run(),
      hold: () => {},
      wake: () => {},
      now: () => this.#now,
      monotonic: () => this.#now,
      alarm: ring => {
        const alarm = { dueAt: Number.POSITIVE_INFINITY, ring }
        this.#alarms.push(alarm)
        return inMs => {
          alarm.dueAt = this.#now + inMs
        }
      },
      every: (everyMs, callback) => this.#ticks.push({ everyMs, callback }),
    }
  }

  #recordOf(text: string): StreamRecord {
    const [, key = '', value = '', previous = '-', at = '', watermark] =
      /^(\S+) (.*?)(?:←(.*?))? @(-?\d+)(?: W(-?\d+))?$/.exec(text) ?? []
    if (at === '') throw new Error(`'${text}' is not a step`)
    return new StreamRecord(
      key === '-' ? null : key,
      value === '-' ? null : JSON.parse(value),
      previous === '-' ? null : JSON.parse(previous),
      Number(at),
      watermark === undefined ? this.#watermark : Number(watermark),
      false,
      noHeaders,
      undefined,
      undefined,
    )
  }

  #show({ key, value, previous, timestamp, watermark, pane }: StreamRecord): string {
    const expected = pane === 'on-time' ? neverLate : this.#watermark
    return [
      `${plain(key)} ${shown(value)}${previous === null ? '' : `←${shown(previous)}`} @${timestamp}`,
      ...(pane === undefined ? [] : [pane]),
      ...(watermark === expected ? [] : [`W${watermark}`]),
    ].join(' ')
  }
}

function rawKey(key: string): string {
  return binaryString(JSON.stringify(key))
}

function shown(value: unknown): string {
  return value === null ? '-' : JSON.stringify(value)
}

/** A key of state: some operators make theirs of several keys. */
function storedKey(raw: string): string {
  try {
    return plain(jsonKeyCodec.decode(raw))
  } catch {
    return raw.replaceAll(/[^!-~]/g, '.')
  }
}

/** A key as text: `a`, of a window `a[0,10)`. */
function plain(key: unknown): string {
  if (typeof key === 'string') return key
  if (typeof key === 'object' && key !== null && 'start' in key && 'end' in key && 'key' in key)
    return `${plain(key.key)}[${String(key.start)},${String(key.end)})`
  return key === null ? '-' : JSON.stringify(key)
}
