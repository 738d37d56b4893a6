/**
 * The assignment of an instance: its partitions, the tasks of these partitions, and the state of the tasks.
 *
 * Partition n of every topic that a stage reads makes task n of that stage. The state of a new task is
 * rebuilt from the changelogs. The task continues from the committed offsets, at the watermark that was
 * committed with them. A task that goes is dropped with its state, after a commit: its next owner begins
 * there. With the exchange in memory, a stage behind it has all of its tasks here.
 */
import type { OffsetCommit, Reader, TopicPartition } from '../../port/index.ts'
import {
  type ChangelogPlace,
  changelogTopic,
  KeyedState,
  restore,
  type StateChange,
  type StateUse,
  UndoLog,
} from '../../state/index.ts'
import { failsAlways, policyBehind, policyOf, settleFailedResult } from '../task/error-policies.ts'
import { exchangeWatermark, sourceProgress } from '../task/committed-metadata.ts'
import { ExchangePartition } from '../task/exchange-partition.ts'
import { sendToExchange } from '../task/exchange-record.ts'
import { keptTombstonesMs } from '../plan/own-topic-configs.ts'
import { exchangeTopic } from '../plan/own-topics.ts'
import type { OperatorNode } from '../plan/graph.ts'
import type { InputPartition, StartOfInput } from '../task/input-partition.ts'
import type { GlobalTables } from './global-tables.ts'
import { type InstanceContext, keyOf } from './instance-context.ts'
import type { Outputs } from '../task/outputs.ts'
import type { Stage } from '../plan/plan.ts'
import type { Continuation } from './continuation.ts'
import { cleanEntriesOf } from './state-cache.ts'
import { type SourceEnvironment, SourcePartition } from '../task/source-partition.ts'
import { TaskGroup } from '../task/task-group.ts'
import type { Task } from '../task/task.ts'

/** A state of a task, with its changelog. */
export interface TaskState {
  readonly task: Task
  readonly state: KeyedState<unknown>
  readonly changelog: ChangelogPlace
  /**
   * The offset after the last record in the changelog. Once it is committed, the state covers everything
   * before it.
   */
  changelogEnd: number
  /**
   * The changes that revert those changes in the changelog that no commit counts. The next commit writes
   * them.
   */
  stale: readonly StateChange[]
}

/** How far ahead of the wall clock a record may be, if its topic does not say: a day. */
const maxAheadMsDefault = 86_400_000

/** The committed offsets of partitions, by their keys. */
type Committed = ReadonlyMap<string, OffsetCommit | undefined>

export class Assignment {
  readonly inputs: Map<string, InputPartition> = new Map()
  readonly states: TaskState[] = []
  readonly tasks: TaskGroup
  /** The inputs that the reader has been given. The state of a new input is restored before. */
  #reading: readonly InputPartition[] = []
  readonly #context: InstanceContext
  readonly #continuation: Continuation
  readonly #reader: Reader
  readonly #signal: AbortSignal
  /** Reverts the changes of bad records. Undefined if every bad record ends the run. */
  readonly #undo: UndoLog | undefined
  readonly #environment: SourceEnvironment

  /** `signal`: ends the restoring of state, with its reason. `wake`: makes the run look at its tasks. */
  constructor(
    context: InstanceContext,
    continuation: Continuation,
    outputs: Outputs,
    globals: GlobalTables,
    reader: Reader,
    signal: AbortSignal,
    wake: () => void,
  ) {
    const { active, app, clock, metrics, plan, settings, topics, turn } = context
    this.#context = context
    this.#continuation = continuation
    this.#reader = reader
    this.#signal = signal
    this.#environment = {
      now: () => clock.now(),
      monotonic: () => active.monotonic(),
      maxAheadMs: maxAheadMsDefault,
      drop: reason => {
        metrics.dropped[reason] += 1
      },
      deadLetter: letter => {
        metrics.deadLetters += 1
        outputs.deadLetter(letter)
      },
    }
    const undo = (this.#undo = failsAlways(plan, settings.onError) ? undefined : new UndoLog())
    this.tasks = new TaskGroup(
      plan,
      stage => topics.stagePartitions(stage),
      {
        metrics,
        state: (task, node, name, options) => this.#makeState(task, node, name, options),
        output: (task, node, record) => outputs.write(node, record, task.partition, undo),
        global: topic => globals.of(topic)!,
        undo,
        failed: (task, operator, record, error) =>
          settleFailedResult(settings.onError, this.#environment, task, operator, record, error),
        monotonic: () => clock.monotonic(),
        now: () => clock.now(),
        wake,
        rowsPerTurn: () => turn.rows,
      },
      settings.exchange === 'memory'
        ? {}
        : {
            send: (_task, node, partition, record) =>
              sendToExchange(outputs, exchangeTopic(app, node), partition, node, record, undo),
          },
    )
  }

  /** An estimate of the memory that uncommitted changes of state take. */
  get dirtyBytes(): number {
    let bytes = 0
    for (const { state } of this.states) bytes += state.dirtyBytes
    return bytes
  }

  /** The position of the inputs in event time; undefined without any. */
  get standing(): { readonly watermark: number; readonly lag: number } | undefined {
    if (this.#reading.length === 0) return undefined
    let watermark = Number.POSITIVE_INFINITY
    let lag = 0
    for (const input of this.#reading) {
      watermark = Math.min(watermark, input.watermark)
      lag += Math.max(0, this.#reader.end(input.topic, input.partition) - input.position)
    }
    return { watermark, lag }
  }

  /**
   * Makes the tasks of new partitions and rebuilds their state. Returns the inputs that continue from a
   * commit, with the metadata of that commit.
   */
  async add(
    partitions: readonly TopicPartition[],
  ): Promise<{ readonly input: InputPartition; readonly metadata: string | undefined }[]> {
    const { app, plan, port } = this.#context
    const offsets = await port.committedOffsets(app, partitions)
    const committed: Committed = new Map(partitions.map((each, i) => [keyOf(each), offsets[i]]))
    const tasksBefore = new Set(this.tasks.all())
    const statesBefore = this.states.length
    const added: InputPartition[] = []
    for (const stage of plan.stages)
      for (const number of this.#tasksOf(stage, partitions))
        if (!this.tasks.task(stage, number)) added.push(...(await this.#addTask(stage, number, committed)))
    await this.#restore(this.states.slice(statesBefore))
    this.tasks.restored(Array.from(this.tasks.all()).filter(task => !tasksBefore.has(task)))
    this.#read()
    return added
      .map(input => ({ input, commit: committed.get(keyOf(input)) }))
      .filter(({ commit }) => commit)
      .map(({ input, commit }) => ({ input, metadata: commit?.metadata }))
  }

  async #restore(states: readonly TaskState[]): Promise<void> {
    const { app, clock, port } = this.#context
    const committed = await port.committedOffsets(
      app,
      states.map(({ changelog }) => changelog),
    )
    const tombstonesMs = new Map<string, number>()
    for (const { topic } of states.map(({ changelog }) => changelog))
      if (!tombstonesMs.has(topic)) tombstonesMs.set(topic, await keptTombstonesMs(port, topic))
    for (const [i, each] of states.entries()) {
      const { changelog, state } = each
      const commit = committed[i]?.offset
      const upTo = this.#continuation.restoredUpTo(changelog, commit)
      const restored = await restore(port, state, {
        ...changelog,
        clock,
        upTo,
        tombstonesMs: tombstonesMs.get(changelog.topic)!,
        signal: this.#signal,
      })
      this.#continuation.checkRestored(changelog, commit, restored)
      each.changelogEnd = restored.end
      each.stale = restored.stale
    }
  }

  /** Drops the tasks of partitions that go to another instance. */
  remove(partitions: readonly TopicPartition[]): void {
    const gone = new Set(partitions.map(keyOf))
    for (const key of gone) this.inputs.delete(key)
    for (const task of Array.from(this.tasks.all())) {
      const partition = task.partition
      if (!this.#context.topics.read(task.stage).some(topic => gone.has(keyOf({ topic, partition }))))
        continue
      this.tasks.remove(task)
      for (let i = this.states.length - 1; i >= 0; i -= 1)
        if (this.states[i]?.task === task) this.states.splice(i, 1)
    }
    this.#read()
  }

  #read(): void {
    this.#reading = [...this.inputs.values()]
    this.#reader.assign(
      this.#reading.map(({ topic, partition, position: offset }) => ({ topic, partition, offset })),
    )
  }

  async #addTask(stage: Stage, number: number, committed: Committed): Promise<InputPartition[]> {
    const { app, settings, topics } = this.#context
    const task = this.tasks.add(stage, number, this.#restoredWatermark(stage, number, committed))
    const restored = (topic: string): Promise<StartOfInput> => {
      const input = { topic, partition: number }
      return this.#continuation.start(input, committed.get(keyOf(input)))
    }
    const added: InputPartition[] = []
    for (const source of stage.sources) {
      const from = await restored(source.topic.name)
      added.push(
        new SourcePartition(source, task, policyOf(source, settings.onError), this.#environment, from),
      )
    }
    if (settings.exchange === 'topic')
      for (const { exchange, from } of stage.incoming) {
        const upstream = topics.stagePartitions(from)
        const policy = policyBehind(from, settings.onError)
        const stand = await restored(exchangeTopic(app, exchange))
        added.push(new ExchangePartition(app, exchange, task, upstream, policy, this.#environment, stand))
      }
    for (const input of added) this.inputs.set(keyOf(input), input)
    return added
  }

  #makeState(task: Task, node: OperatorNode, name: string, use?: StateUse): KeyedState<unknown> {
    const id = `${node.name}-${name}`
    const cleanEntries = cleanEntriesOf(this.#context.topics.stagePartitions(task.stage))
    const state = new KeyedState<unknown>(id, { ...use, cleanEntries, undo: this.#undo })
    const topic = changelogTopic(this.#context.app, id)
    const changelog: ChangelogPlace = {
      topic,
      partition: task.partition,
      format: formatOf(this.#context.app, node),
      batchBytesMax: this.#context.topics.batchBytesMax(topic),
      operator: node.name,
    }
    this.states.push({ task, state, changelog, changelogEnd: 0, stale: [] })
    return state
  }

  /** The least committed watermark of the task's inputs: everything up to it had fired. */
  #restoredWatermark(stage: Stage, number: number, committed: Committed): number {
    const { app, settings, topics } = this.#context
    const metadata = (topic: string): string | undefined =>
      committed.get(keyOf({ topic, partition: number }))?.metadata
    const watermarks = stage.sources.map(
      source => sourceProgress(source, metadata(source.topic.name)).watermark,
    )
    for (const { exchange, from } of stage.incoming) {
      const count = topics.stagePartitions(from)
      if (settings.exchange === 'topic')
        watermarks.push(exchangeWatermark(metadata(exchangeTopic(app, exchange)), count))
      else
        for (let n = 0; n < count; n += 1)
          watermarks.push(this.tasks.task(from, n)?.time.watermark ?? Number.NEGATIVE_INFINITY)
    }
    return Math.min(...watermarks)
  }

  /** The tasks of a stage for these partitions. */
  #tasksOf(stage: Stage, partitions: readonly TopicPartition[]): number[] {
    const { topics } = this.#context
    const read = topics.read(stage)
    if (read.length === 0) return Array.from({ length: topics.stagePartitions(stage) }, (_, n) => n)
    const numbers = partitions.filter(({ topic }) => read.includes(topic)).map(({ partition }) => partition)
    return [...new Set(numbers)].sort((a, b) => a - b)
  }
}

/**
 * Identifies the content of a changelog: by the app, and by the operator's keys and values. App `a` with
 * `b-c` and app `a-b` with `c` have changelogs of the same name.
 */
function formatOf(app: string, { inputs, label, name }: OperatorNode): string {
  return `${app}/${name}: ${label()}, keys ${inputs[0]?.from.keyCodec.form}`
}
