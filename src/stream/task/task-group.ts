/**
 * The tasks that one instance runs, and the exchange between them if it is in memory. An exchange in memory
 * is a plain call of the task that owns the key.
 *
 * In memory a task downstream waits for every task upstream, so all tasks of the app must be in this
 * instance. The caller refuses a second instance.
 */
import { assert, partitionForBinary } from '../../base/index.ts'
import type { ExchangeNode } from '../plan/graph.ts'
import { rawKeyOf } from '../operators/key-codec.ts'
import type { Forward } from '../operators/operator.ts'
import type { Plan, Stage } from '../plan/plan.ts'
import type { StreamRecord } from '../operators/record.ts'
import { sharedWith } from './fan-out.ts'
import { Task, type TaskEnvironment } from './task.ts'
import type { WatermarkInput } from './task-time.ts'

/** What the tasks need besides their exchange. */
export type GroupEnvironment = Omit<TaskEnvironment, 'exchange'>

export interface ExchangeForm {
  /** Takes a record that leaves a stage. Undefined: the exchange is in memory. */
  send?(task: Task, node: ExchangeNode, partition: number, record: StreamRecord): void
}

/** Where the records of an exchange go. */
interface Route {
  readonly stage: Stage
  readonly partitions: number
  /** In memory: what takes the records of a partition, once a record has gone there. */
  readonly entries: Forward[]
}

export class TaskGroup {
  readonly plan: Plan
  readonly #tasks = new Map<Stage, Map<number, Task>>()
  readonly #partitions: (stage: Stage) => number
  readonly #environment: TaskEnvironment
  readonly #form: ExchangeForm
  /** In memory: the watermark of each task upstream, as each task downstream knows it. */
  readonly #links: { readonly from: Task; readonly to: Task; readonly input: WatermarkInput }[] = []
  readonly #consumers = new Map<ExchangeNode, Stage>()
  /** Looked up once, until a task is added or removed. */
  readonly #routes = new Map<ExchangeNode, Route>()

  constructor(
    plan: Plan,
    partitions: (stage: Stage) => number,
    environment: GroupEnvironment,
    form: ExchangeForm,
  ) {
    this.plan = plan
    this.#partitions = partitions
    this.#form = form
    this.#environment = {
      ...environment,
      exchange: (task, node, record) => this.#exchange(task, node, record),
    }
    for (const stage of plan.stages)
      for (const { exchange } of stage.incoming) this.#consumers.set(exchange, stage)
  }

  /** All tasks, upstream first. */
  *all(): Iterable<Task> {
    for (const stage of this.plan.stages) yield* this.#tasks.get(stage)?.values() ?? []
  }

  task(stage: Stage, partition: number): Task | undefined {
    return this.#tasks.get(stage)?.get(partition)
  }

  /** Makes a task. In memory the tasks upstream of it exist already. */
  add(stage: Stage, partition: number, restoredWatermark: number): Task {
    const task = new Task(stage, partition, this.#environment, restoredWatermark)
    this.#routes.clear()
    const tasks = this.#tasks.get(stage) ?? new Map<number, Task>()
    this.#tasks.set(stage, tasks.set(partition, task))
    if (!this.#form.send)
      for (const { from } of stage.incoming)
        for (const upstream of this.#tasks.get(from)?.values() ?? []) {
          const input = { watermark: upstream.time.watermark }
          task.time.addInput(input)
          this.#links.push({ from: upstream, to: task, input })
        }
    return task
  }

  remove(task: Task): void {
    this.#tasks.get(task.stage)?.delete(task.partition)
    this.#routes.clear()
  }

  /**
   * The state of `tasks`, upstream first, has been restored. Firing that a commit found incomplete continues.
   */
  restored(tasks: Iterable<Task>): void {
    for (const task of tasks) {
      this.#link(task)
      task.time.restored()
    }
  }

  /** Before a commit: keeps incomplete firing as state. Returns whether everything that is due has fired. */
  suspend(): boolean {
    const restarted = new Map<Task, number>()
    let isComplete = true
    for (const task of this.all()) {
      for (const { from, to, input } of this.#links)
        if (to === task) input.watermark = Math.max(input.watermark, restarted.get(from) ?? input.watermark)
      const inputs = task.time.inputsWatermark
      const watermark = task.time.suspend(inputs)
      if (task.time.isFiring || watermark < inputs) isComplete = false
      restarted.set(task, watermark)
    }
    return isComplete
  }

  #link(task: Task): void {
    for (const link of this.#links) if (link.to === task) link.input.watermark = link.from.time.watermark
  }

  /**
   * Brings every task's watermark up to its inputs', upstream first. Returns false if there was more to fire
   * than fits in a turn, of one task or of several: `isOver` is asked after each task that had something to
   * fire. Then the caller lets the event loop turn and calls again, before any record.
   */
  advance(isOver: () => boolean = () => false): boolean {
    for (const task of this.all()) {
      this.#link(task)
      const isDue = task.time.isDue
      if (!task.time.advance() || (isDue && isOver())) return false
    }
    return true
  }

  #exchange(task: Task, node: ExchangeNode, record: StreamRecord): void {
    const isKeyless = record.key === null || record.key === undefined
    if (isKeyless && !node.keepsKeyless) {
      task.keyMissing()
      return
    }
    const route = this.#routes.get(node) ?? this.#findRoute(node)
    const { partitions } = route
    const { keyCodec, changesForm } = node
    // Other branches may send the same record under a key of another form: each changes a copy.
    const sent = changesForm && !isKeyless ? record.withRawKey(keyCodec.encode(record.key)) : record
    if (node.toAll) {
      for (let to = 0; to < partitions; to += 1) this.#send(task, node, route, to, sharedWith(sent))
      return
    }
    const partition = isKeyless
      ? task.partition % partitions
      : partitionForBinary(keyCodec.partitionBy?.(record.key) ?? rawKeyOf(sent, keyCodec), partitions)
    this.#send(task, node, route, partition, sent)
  }

  #send(task: Task, node: ExchangeNode, route: Route, partition: number, record: StreamRecord): void {
    if (this.#form.send) return this.#form.send(task, node, partition, record)
    const entry = (route.entries[partition] ??= this.#entryOf(node, route, partition))
    entry(record)
  }

  #findRoute(node: ExchangeNode): Route {
    const stage = this.#consumers.get(node)!
    const route = { stage, partitions: this.#partitions(stage), entries: [] }
    this.#routes.set(node, route)
    return route
  }

  #entryOf(node: ExchangeNode, { stage }: Route, partition: number): Forward {
    const task = this.task(stage, partition)
    assert(task, `task ${partition} of stage ${stage.id} is here`)
    return task.entry(node)
  }
}
