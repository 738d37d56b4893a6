/**
 * A task: the operators of one stage for one partition, joined to a chain of plain calls. Its time, and what
 * becomes due with time, are in task-time.ts.
 *
 * A task changes only its own state. Everything that leaves it goes through {@link TaskEnvironment}.
 */
import { assert } from '../../base/index.ts'
import type { KeyedState, StateUse, UndoLog } from '../../state/index.ts'
import { OperatorFailure } from './operator-failure.ts'
import type { Edge, ExchangeNode, GraphNode, OperatorNode, SinkNode } from '../plan/graph.ts'
import { fanOut } from './fan-out.ts'
import type { Metrics } from './metrics.ts'
import { TaskTime } from './task-time.ts'
import { rawKeyOf } from '../operators/key-codec.ts'
import {
  type Forward,
  type GlobalRows,
  nowhere,
  type Operator,
  type OperatorContext,
  type TableView,
} from '../operators/operator.ts'
import type { Stage } from '../plan/plan.ts'
import type { StreamRecord } from '../operators/record.ts'

/** What a task needs from its runner. */
export interface TaskEnvironment {
  readonly metrics: Metrics
  /** The state `name` of an operator; called once per name while the task is made. */
  state(task: Task, operator: OperatorNode, name: string, use?: StateUse): KeyedState<unknown>
  exchange(task: Task, node: ExchangeNode, record: StreamRecord): void
  output(task: Task, node: SinkNode, record: StreamRecord): void
  /** A later operator failed on a result that was due. Without this function the failure ends the app. */
  failed?(task: Task, operator: OperatorNode, record: StreamRecord, error: unknown): void
  /** The rows of the global table of a topic. Left out where the plan has none. */
  global?(topic: string): GlobalRows
  /** Reverts the changes of a record that fails. Left out if a failed record ends the run. */
  readonly undo?: UndoLog | undefined
  /** Processing time, monotonic, in ms. */
  monotonic(): number
  /** Wall time, in ms since the epoch. */
  now(): number
  /** Makes a run that waits for data look at its tasks again. Left out where nothing waits. */
  wake?(): void
  /**
   * How many results or rows are settled between two turns of the event loop. The number changes as the task
   * runs. Default {@link rowsPerTurnDefault}.
   */
  rowsPerTurn?(): number
}

/** About 20 ms of work. */
const rowsPerTurnDefault = 2048

/** The origin of the records that a task processes right now. */
export interface RecordOrigin {
  /** An operator dropped the current record because it has no key. */
  keyMissing(): void
}

export class Task {
  readonly stage: Stage
  readonly partition: number
  readonly time: TaskTime
  /** Set while records of a partition are processed. */
  reading: RecordOrigin | undefined

  readonly #entries = new Map<GraphNode, Forward>()
  readonly #environment: TaskEnvironment

  constructor(stage: Stage, partition: number, environment: TaskEnvironment, restoredWatermark: number) {
    this.stage = stage
    this.partition = partition
    this.time = new TaskTime(restoredWatermark)
    this.#environment = environment
    this.#build()
  }

  /** The function that takes the records of a source or of an exchange. */
  entry(node: GraphNode): Forward {
    const entry = this.#entries.get(node)
    assert(entry, `'${node.name}' brings records into stage ${this.stage.id}`)
    return entry
  }

  /** A record is dropped because it has no key. */
  keyMissing(): void {
    this.#environment.metrics.dropped['null-key'] += 1
    if (!this.time.firesNow) this.reading?.keyMissing()
  }

  #build(): void {
    const { nodes } = this.stage
    const operators = new Map<GraphNode, Operator>()
    const targets = new Map<GraphNode, Forward[][]>()
    const connect = (from: GraphNode, outlet: number, forward: Forward): void => {
      const outlets = targets.get(from) ?? []
      targets.set(from, outlets)
      // Targets are added in reverse, and must be called in the order of their declaration.
      ;(outlets[outlet] ??= []).unshift(forward)
    }
    const outletsOf = (node: GraphNode, count: number): Forward[] =>
      Array.from({ length: count }, (_, outlet) => fanOut(targets.get(node)?.[outlet] ?? []))

    // Downstream first: an operator is made with the targets of its results. Views are looked up later, since
    // they are upstream.
    for (const node of nodes.toReversed()) {
      const inputs = this.#inputsOf(node, operators, outletsOf)
      // The last input first, so that one that comes in twice is taken by the first input first.
      for (const [i, { from, outlet }] of [...node.inputs.entries()].toReversed()) {
        const forward = inputs[i]
        assert(forward, `'${node.name}' takes input ${i}`)
        connect(from, outlet, forward)
      }
    }
    // A record of an exchange goes to all nodes that take from the exchange, as with any other node.
    for (const { exchange } of this.stage.incoming)
      this.#entries.set(exchange, this.#attempting(outletsOf(exchange, 1)[0] as Forward))
    for (const node of nodes) {
      const operator = operators.get(node)
      if (operator) this.time.addOperator(node.name, operator)
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

  /** Reverts the changes of a record that fails in `forward`. */
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
   * Settles a due result that a later operator fails on: no record is at fault, and later results are still
   * due.
   */
  #settling(node: OperatorNode, forward: Forward): Forward {
    if (!this.#environment.failed || forward === nowhere) return forward
    const settled = this.#settled(node, forward)
    return record => (this.time.firesNow ? settled : forward)(record)
  }

  /** Settles what fails in `forward`. */
  #settled(node: OperatorNode, forward: Forward): Forward {
    const environment = this.#environment
    const attempt = this.#attempting(forward)
    return record => {
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
    const { keyCodec } = (node.inputs[0] as Edge).from
    const alarm: OperatorContext['alarm'] = ring => {
      const set = this.time.alarm(ring)
      return inMs => {
        set.due = environment.monotonic() + inMs
      }
    }
    return {
      rawKey: record => rawKeyOf(record, keyCodec),
      keyOf: rawKey => keyCodec.decode(rawKey) as never,
      acrossPartitions: node.acrossPartitions,
      state: (name, use) => {
        const state = environment.state(this, node, name, use)
        this.time.keepIn(state)
        return state as KeyedState<never>
      },
      view: index => {
        const from = node.inputs[index]?.from
        let known: TableView | undefined
        const view = (): TableView => {
          // Looked up with the first record: an input may be made after the operators that it feeds.
          known ??= from && operators.get(from)?.view
          assert(known, 'a view is one of a table')
          return known
        }
        return {
          get: (rawKey, key) => view().get(rawKey, key) as never,
          asOf(rawKey, key, timestamp) {
            const table = view()
            assert(table.asOf !== undefined, 'a table with history is asked for the past')
            return table.asOf(rawKey, key, timestamp) as never
          },
        }
      },
      global: topic => {
        let known: GlobalRows | undefined
        return {
          get(key) {
            if (!known) {
              known = environment.global?.(topic)
              assert(known, `the rows of the global table '${topic}' are there`)
            }
            return known.get(key) as never
          },
        }
      },
      watermark: () => this.time.watermark,
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
      wakeAt: watermark => this.time.wakeAt(watermark),
      attempt: (about, run) => this.#settled(node, guarded(node.name, run))(about),
      undoable: environment.undo && (undo => environment.undo?.note(undo)),
      hold: hold => this.time.hold(hold),
      wake: () => environment.wake?.(),
      now: () => environment.now(),
      monotonic: () => environment.monotonic(),
      alarm,
      every(intervalMs, callback) {
        const again = alarm(() => {
          again(intervalMs)
          callback()
        })
        again(intervalMs)
      },
    }
  }
}

/** Adds the operator's name to the error of a user function. */
function guarded(name: string, forward: Forward): Forward {
  return record => {
    try {
      forward(record)
    } catch (error) {
      throw OperatorFailure.of(name, error)
    }
  }
}
