/**
 * A task: the operators of one stage for one partition, joined to a chain of plain calls.
 *
 * Invariants:
 * - its watermark is the least of its inputs' and never goes back; everything whose last instant is before it
 *   has fired;
 * - before a record is processed, everything that the watermark before it made due has fired;
 * - firing may be interrupted, and committed there: where it continues is kept as state until it is complete;
 * - its own state is all that it changes; what leaves it goes through {@link TaskEnvironment}.
 */
import { assert } from '../../base/index.ts'
import { frozen, given, type KeyedState, type UndoLog } from '../../state/index.ts'
import { OperatorFailure } from './operator-failure.ts'
import type { Edge, ExchangeNode, GraphNode, OperatorNode, SinkNode } from '../plan/graph.ts'
import type { Metrics } from './metrics.ts'
import { rawKeyOf } from '../operators/key-codec.ts'
import {
  type Forward,
  nowhere,
  type Operator,
  type OperatorContext,
  stateBegin,
  type TableView,
} from '../operators/operator.ts'
import type { Stage } from '../plan/plan.ts'
import type { StreamRecord } from '../operators/record.ts'

/** Something whose progress in event time a task waits for: a source partition, or a task upstream. */
export interface WatermarkInput {
  watermark: number
}

/** What a task needs from its runner. */
export interface TaskEnvironment {
  readonly metrics: Metrics
  /** The state `name` of an operator; called once per name while the task is made. */
  state(task: Task, operator: OperatorNode, name: string): KeyedState<unknown>
  exchange(task: Task, node: ExchangeNode, record: StreamRecord): void
  output(task: Task, node: SinkNode, record: StreamRecord): void
  /** A result that was due could not be processed further on. Without this it fails the app. */
  failed?(task: Task, operator: OperatorNode, record: StreamRecord, error: unknown): void
  /** Lets a record that fails leave no trace; left out where it ends the run. */
  readonly undo?: UndoLog | undefined
  /** Processing time, monotonic, in ms. */
  monotonic(): number
  /**
   * Results or rows that are settled between two turns of the event loop, as of now: it changes as the task
   * runs. Default {@link rowsPerTurnDefault}.
   */
  rowsPerTurn?(): number
}

/** About 20 ms of work. */
const rowsPerTurnDefault = 2048

/** Where the records come from that a task processes right now. */
export interface RecordOrigin {
  /** An operator dropped the current record for want of a key. */
  keyMissing(): void
}

type TimedOperator = Operator & Required<Pick<Operator, 'advance' | 'deadline'>>

interface Timed {
  readonly name: string
  readonly operator: TimedOperator
}

/** Where the firing of a task is in state while it is not complete: below everything that operators keep. */
const suspendedNamespace = stateBegin - 1

/** Firing that a commit found incomplete. */
interface Suspended {
  /** The task's watermark: what is complete before this has fired. */
  readonly watermark: number
  /**
   * What is firing: everything that is complete before this; null when firing up to its inputs' watermarks
   * had not begun.
   */
  readonly target: number | null
  /** The name of the timed operator that it has come to: those before it are through. */
  readonly at: string | null
  /** How far that one is, if its own state does not say it. */
  readonly place: unknown
}

interface Periodic {
  readonly intervalMs: number
  readonly callback: () => void
  due: number
}

export class Task {
  readonly stage: Stage
  readonly partition: number
  /** As of all inputs; what has fired is behind it. */
  watermark: number
  /** Set while records of a partition are processed. */
  reading: RecordOrigin | undefined

  readonly #inputs: WatermarkInput[] = []
  readonly #entries = new Map<GraphNode, Forward>()
  readonly #timed: Timed[] = []
  readonly #periodic: Periodic[] = []
  readonly #environment: TaskEnvironment
  #deadline = Number.NEGATIVE_INFINITY
  /** What is due at this watermark is firing, and which of the timed operators it is at. */
  #target: number | undefined
  #at = 0
  /** Keeps {@link Suspended} across restarts: the first state of the first operator that has state. */
  #kept: KeyedState<unknown> | undefined
  #isKept = false
  /** Results go out because they are due, and not because of a record. */
  #firing = false

  constructor(stage: Stage, partition: number, environment: TaskEnvironment, restoredWatermark: number) {
    this.stage = stage
    this.partition = partition
    this.watermark = restoredWatermark
    this.#environment = environment
    this.#build()
  }

  /** Makes the task wait for `input` too. All inputs are added before the first record. */
  addInput(input: WatermarkInput): void {
    this.#inputs.push(input)
  }

  /** Where the records of a source, or of an exchange, come in. */
  entry(node: GraphNode): Forward {
    const entry = this.#entries.get(node)
    assert(entry, `'${node.name}' brings records into stage ${this.stage.id}`)
    return entry
  }

  /**
   * Takes in what the inputs' watermarks have become, and fires what is due. False when there was more to
   * fire than one turn of the event loop should take: then nothing else may happen in the task before it has
   * been called again.
   */
  advance(): boolean {
    for (;;) {
      const isResumed = this.#target !== undefined
      const watermark = this.#target ?? Math.max(this.watermark, this.inputsWatermark)
      if (watermark < this.#deadline) {
        this.watermark = watermark
        return true
      }
      this.#target = watermark
      if (!this.#fire(watermark)) return false
      this.#target = undefined
      this.watermark = watermark
      this.#deadline = Number.POSITIVE_INFINITY
      for (const { operator } of this.#timed) this.#deadline = Math.min(this.#deadline, operator.deadline())
      // The inputs may have moved on while it was interrupted.
      if (!isResumed) return true
    }
  }

  /** The least watermark of its inputs. */
  get inputsWatermark(): number {
    let watermark = Number.POSITIVE_INFINITY
    for (const input of this.#inputs) if (input.watermark < watermark) watermark = input.watermark
    return watermark
  }

  /** Whether it has been interrupted while it fired. */
  get isFiring(): boolean {
    return this.#target !== undefined
  }

  /** Whether {@link advance} has something to fire. */
  get isDue(): boolean {
    return (
      this.#target !== undefined ||
      (this.inputsWatermark >= this.#deadline && this.#deadline < Number.POSITIVE_INFINITY)
    )
  }

  /** The watermark at which something is due next: no time before it makes a difference to the task. */
  get deadline(): number {
    return this.#deadline
  }

  /**
   * Before a commit: keeps as state what the watermarks of the inputs do not say, because firing up to them
   * is not complete. `inputs` is what a restart would take their least watermark for. Returns what it would
   * take the task's for.
   */
  suspend(inputs: number): number {
    if (!this.#kept || this.#timed.length === 0) return inputs
    const { watermark } = this
    if (this.#target === undefined && inputs <= watermark) {
      if (this.#isKept) this.#kept.delete(suspendedNamespace, '')
      this.#isKept = false
      return inputs
    }
    const suspended: Suspended = {
      watermark,
      target: this.#target ?? null,
      at: this.#target === undefined ? null : (this.#timed[this.#at]?.name ?? null),
      place: (this.#target !== undefined && this.#timed[this.#at]?.operator.place?.()) || null,
    }
    this.#kept.put(suspendedNamespace, '', suspended)
    this.#isKept = true
    return watermark
  }

  /**
   * When its state has been restored: goes back to where firing had come. Those upstream of it have been
   * called before.
   */
  restored(): void {
    const suspended = this.#kept?.get(suspendedNamespace, '') as Suspended | undefined
    this.#isKept = suspended !== undefined
    this.watermark = suspended?.watermark ?? Math.min(this.watermark, this.inputsWatermark)
    if (!suspended || suspended.target === null) return
    this.#target = suspended.target
    this.#at = Math.max(
      0,
      this.#timed.findIndex(({ name }) => name === suspended.at),
    )
    if (suspended.place !== null) this.#timed[this.#at]?.operator.resume?.(suspended.place)
  }

  /** Runs what is due by processing time; returns when to come back. */
  tick(now: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const periodic of this.#periodic) {
      if (now >= periodic.due) {
        periodic.due = now + periodic.intervalMs
        this.#firing = true
        try {
          periodic.callback()
        } finally {
          this.#firing = false
        }
      }
      next = Math.min(next, periodic.due)
    }
    return next
  }

  /** A record that is dropped for want of a key. */
  keyMissing(): void {
    this.#environment.metrics.dropped['null-key'] += 1
    if (!this.#firing) this.reading?.keyMissing()
  }

  /** Upstream first: what one fires is processed by the next before that one's own time moves on. */
  #fire(watermark: number): boolean {
    this.#firing = true
    try {
      for (; this.#at < this.#timed.length; this.#at += 1) {
        const { operator } = this.#timed[this.#at] as Timed
        if (watermark >= operator.deadline() && !operator.advance(watermark)) return false
      }
    } finally {
      this.#firing = false
    }
    this.#at = 0
    return true
  }

  #build(): void {
    const { nodes } = this.stage
    const operators = new Map<GraphNode, Operator>()
    const targets = new Map<GraphNode, Forward[][]>()
    const connect = (from: GraphNode, outlet: number, forward: Forward): void => {
      const outlets = targets.get(from) ?? []
      targets.set(from, outlets)
      // They come last one first, and are to be called in the order of their declaration.
      ;(outlets[outlet] ??= []).unshift(forward)
    }
    const outletsOf = (node: GraphNode, count: number): Forward[] =>
      Array.from({ length: count }, (_, outlet) => fanOut(targets.get(node)?.[outlet] ?? []))

    // Downstream first, so that an operator is given where its results go. Views are looked up late, since
    // they are upstream.
    for (const node of nodes.toReversed()) {
      const inputs = this.#inputsOf(node, operators, outletsOf)
      node.inputs.forEach(({ from, outlet }, i) => {
        const forward = inputs[i]
        assert(forward, `'${node.name}' takes input ${i}`)
        connect(from, outlet, forward)
      })
    }
    // What comes over an exchange goes to all that take from it, as with any other node.
    for (const { exchange } of this.stage.incoming)
      this.#entries.set(exchange, this.#attempting(outletsOf(exchange, 1)[0] as Forward))
    for (const node of nodes) {
      const operator = operators.get(node)
      if (operator?.advance && operator.deadline)
        this.#timed.push({ name: node.name, operator: operator as TimedOperator })
    }
  }

  #inputsOf(
    node: GraphNode,
    operators: Map<GraphNode, Operator>,
    outletsOf: (node: GraphNode, count: number) => Forward[],
  ): readonly Forward[] {
    const environment = this.#environment
    switch (node.kind) {
      case 'source': {
        const [forward] = outletsOf(node, 1)
        this.#entries.set(node, this.#attempting(forward as Forward))
        return []
      }
      case 'exchange':
        return [guarded(node.name, record => environment.exchange(this, node, record))]
      case 'sink':
        return [guarded(node.name, record => environment.output(this, node, record))]
      case 'operator': {
        const outlets = outletsOf(node, node.outlets.length)
        const forwards = node.stateful ? outlets.map(outlet => this.#settling(node, outlet)) : outlets
        const operator = node.spec.make(this.#contextOf(node, operators), forwards)
        operators.set(node, operator)
        return operator.inputs.map(input => guarded(node.name, input))
      }
    }
  }

  /** A record that fails on this way leaves no trace. */
  #attempting(forward: Forward): Forward {
    const { undo } = this.#environment
    if (!undo || forward === nowhere) return forward
    return record => {
      const mark = undo.begin()
      try {
        forward(record)
      } catch (error) {
        undo.fail(mark)
        throw error
      }
      undo.succeed()
    }
  }

  /**
   * A result that is due and fails further on is settled here: no record is to blame, and the results behind
   * it are due all the same.
   */
  #settling(node: OperatorNode, forward: Forward): Forward {
    const environment = this.#environment
    if (!environment.failed || forward === nowhere) return forward
    const attempt = this.#attempting(forward)
    return record => {
      if (!this.#firing) return forward(record)
      try {
        attempt(record)
      } catch (error) {
        if (!environment.failed) throw error
        environment.failed(this, node, record, error)
      }
    }
  }

  #contextOf(node: OperatorNode, operators: Map<GraphNode, Operator>): OperatorContext {
    const environment = this.#environment
    const { metrics } = environment
    const { keyCodec, acrossPartitions } = (node.inputs[0] as Edge).from
    return {
      rawKey: record => rawKeyOf(record, keyCodec),
      keyOf: rawKey => keyCodec.decode(rawKey) as never,
      acrossPartitions,
      state: name => {
        const state = environment.state(this, node, name)
        this.#kept ??= state
        return state as KeyedState<never>
      },
      view: index => {
        const from = node.inputs[index]?.from
        let view: TableView | undefined
        return {
          get(rawKey, key) {
            // Asked for with the first record: an input may be made after what it leads to.
            view ??= from && operators.get(from)?.view
            assert(view, 'a view is one of a table')
            return view.get(rawKey, key) as never
          },
        }
      },
      watermark: () => this.watermark,
      rowsPerTurn: () => environment.rowsPerTurn?.() ?? rowsPerTurnDefault,
      drop: reason => {
        if (reason === 'null-key') this.keyMissing()
        else metrics.dropped[reason] += 1
      },
      late: (record, sideOutput) => {
        const counts = sideOutput === nowhere ? metrics.dropped : metrics.sideOutput
        counts[record.raised ? 'idle' : 'late'] += 1
        sideOutput(record)
      },
      emitted: kind => {
        metrics.results[kind] += 1
      },
      wakeAt: watermark => {
        if (watermark < this.#deadline) this.#deadline = watermark
      },
      undoable: environment.undo && (undo => environment.undo?.note(undo)),
      every: (intervalMs, callback) => {
        this.#periodic.push({ intervalMs, callback, due: environment.monotonic() + intervalMs })
      },
    }
  }
}

function fanOut(targets: readonly Forward[]): Forward {
  const [first, second] = targets
  if (first === undefined) return nowhere
  if (second === undefined) return first
  if (targets.length === 2)
    return record => {
      share(record)
      first(givenTo(record))
      second(givenTo(record))
    }
  return record => {
    share(record)
    for (const target of targets) target(givenTo(record))
  }
}

/** What one branch does to a record, the others must not see. */
function share({ key, value, previous }: StreamRecord): void {
  frozen(key)
  frozen(value)
  frozen(previous)
}

/** The record for another branch: with a copy of the value where that cannot be frozen. */
function givenTo(record: StreamRecord): StreamRecord {
  const { value, previous } = record
  const own = given(value)
  return own === value ? record : record.withValue(own, given(previous))
}

/** Tells which operator a failing user function was in. */
function guarded(name: string, forward: Forward): Forward {
  return record => {
    try {
      forward(record)
    } catch (error) {
      throw OperatorFailure.of(name, error)
    }
  }
}
