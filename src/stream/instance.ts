/**
 * One running instance of an app: reads, processes, commits.
 *
 * The loop, in one place so that the order of things can be read:
 * 1. requests from outside (partitions given or taken, stop, finish) are served between two batches;
 * 2. the partition whose watermark is lowest goes on (alignment), with a batch at a time, letting the event loop turn by record count;
 * 3. time advances in the tasks downstream;
 * 4. a commit, when it is due: everything has fired by then, so that the watermarks which are committed say what has fired.
 */
import { type Clock, isMillraceError, MillraceError } from '../base/index.ts'
import type {
  FetchedBatch,
  GroupMembership,
  LogPort,
  OffsetCommit,
  Reader,
  TopicPartition,
  Writer,
} from '../port/index.ts'
import { changelogTopic, KeyedState, memoryStore, restore, writeChanges } from '../state/index.ts'
import { announceWatermark, ExchangePartition, exchangeTopic, sendToExchange } from './exchange-partition.ts'
import type { OperatorNode, SourceNode } from './graph.ts'
import type { InputPartition } from './input-partition.ts'
import { Metrics } from './metrics.ts'
import { bytesUnderWayMax, Outputs } from './outputs.ts'
import type { Plan, Stage } from './plan.ts'
import type { RunSettings } from './run-options.ts'
import { hasEnded, SourcePartition } from './source-partition.ts'
import { TaskGroup } from './task-group.ts'
import type { Task } from './task.ts'
import { TopologyTopics } from './topology-topics.ts'

/** Records between two turns of the event loop, so that timers, sockets and heartbeats live. */
const turnRecords = 2048
/** How long to wait for data before looking again. */
const idleWaitMs = 1000

/** A state of a task, with its changelog. */
interface TaskState {
  readonly task: Task
  readonly state: KeyedState<unknown>
  readonly store: ReturnType<typeof memoryStore>
  readonly topic: string
  readonly format: string
}

export interface Progress {
  /** Records processed by this run. */
  readonly records: number
  /** The least watermark among the inputs, in ms since the epoch: -Infinity at the beginning, Infinity at the end. */
  readonly watermark: number
  /** Records between what was processed and what can be read. */
  readonly lag: number
  readonly metrics: Metrics
}

type Request =
  | { readonly kind: 'assign'; readonly partitions: readonly TopicPartition[]; done(error?: unknown): void }
  | { readonly kind: 'revoke'; readonly partitions: readonly TopicPartition[]; done(error?: unknown): void }

export class Instance {
  readonly metrics: Metrics = new Metrics()
  readonly #app: string
  readonly #plan: Plan
  readonly #port: LogPort
  readonly #clock: Clock
  readonly #settings: RunSettings
  readonly #topics: TopologyTopics
  readonly #inputs = new Map<string, InputPartition>()
  readonly #states: TaskState[] = []
  readonly #requests: Request[] = []
  readonly #announced = new Map<Task, number>()

  #reader!: Reader
  #writer!: Writer
  #outputs!: Outputs
  #tasks!: TaskGroup
  #membership: GroupMembership | undefined
  #lock: { release(): Promise<void> } | undefined
  #stopping = false
  #finishing = false
  #until: 'end' | 'now' | undefined
  #ends: Map<string, number> | undefined
  #lost = false
  #committedAt = 0
  #committedPositions = new Map<string, string>()
  #wake: (() => void) | undefined
  /** The inputs that the reader has been given: a new one has its state restored before. */
  #reading: readonly InputPartition[] = []
  /** Where the inputs stand; once they are given away, where they stood. */
  #standing: Pick<Progress, 'watermark' | 'lag'> = { watermark: Number.NEGATIVE_INFINITY, lag: 0 }

  constructor(app: string, plan: Plan, port: LogPort, clock: Clock, settings: RunSettings) {
    this.#app = app
    this.#plan = plan
    this.#port = port
    this.#clock = clock
    this.#settings = settings
    this.#topics = new TopologyTopics(port, app)
    this.#until = settings.until
  }

  /** Runs until stopped, finished or failed. */
  async run(): Promise<void> {
    const abort = (): void => this.stop()
    this.#settings.signal?.addEventListener('abort', abort, { once: true })
    if (this.#settings.signal?.aborted) this.stop()
    try {
      await this.#open()
      await this.#loop()
      await this.#close()
    } catch (error) {
      await this.#abandon()
      throw error
    } finally {
      this.#settings.signal?.removeEventListener('abort', abort)
    }
  }

  /** Commits what is complete, and leaves. */
  stop(): void {
    this.#stopping = true
    this.#wake?.()
  }

  /** Takes the input as it stands now for all there is: `until: 'end'`, decided later. */
  finish(): void {
    this.#finishing = true
    this.#wake?.()
  }

  progress(): Progress {
    if (this.#reading.length > 0) {
      let watermark = Number.POSITIVE_INFINITY
      let lag = 0
      for (const input of this.#reading) {
        watermark = Math.min(watermark, input.watermark)
        lag += Math.max(0, this.#reader.end(input.topic, input.partition) - input.position)
      }
      this.#standing = { watermark, lag }
    }
    return { ...this.#standing, records: this.metrics.records, metrics: this.metrics }
  }

  async #open(): Promise<void> {
    const { exchange, exactlyOnce, instance, restart } = this.#settings
    const app = this.#app
    if (exchange === 'memory')
      this.#lock = await this.#port.lock(
        `app ${app}`,
        `instance '${instance}' of app '${app}', which exchanges in memory`,
      )
    await this.#topics.prepare(this.#plan, exchange)
    if (restart) await this.#forget()
    await this.#refuseFinished()
    const { onError } = this.#settings
    const letters = [onError, ...this.#sources().map(({ topic }) => topic.onError)]
    for (const policy of letters)
      if (typeof policy === 'object') await this.#topics.ensure(policy.deadLetter, 1, 'any')

    this.#writer = await this.#port.openWriter(exactlyOnce ? { transactionalId: `${app}-${instance}` } : {})
    this.#outputs = new Outputs(this.#writer, topic => this.#topics.partitions(topic))
    this.#reader = await this.#port.openReader({ isolation: 'read_committed' })
    this.#tasks = new TaskGroup(
      this.#plan,
      stage => this.#topics.stagePartitions(stage),
      {
        metrics: this.metrics,
        state: (task, node, name) => this.#makeState(task, node, name),
        output: (task, node, record) => this.#outputs.write(node.topic, record, task.partition),
        monotonic: () => this.#clock.monotonic(),
      },
      exchange === 'memory'
        ? {}
        : {
            send: (_task, node, partition, record) =>
              sendToExchange(this.#outputs, exchangeTopic(app, node), partition, node, record),
          },
    )
    this.#committedAt = this.#clock.monotonic()
    const joining = this.#port.joinGroup({
      group: app,
      topics: this.#plan.stages.map(stage => this.#topicsOf(stage)).filter(topics => topics.length > 0),
      onAssigned: partitions => this.#request('assign', partitions),
      onRevoked: partitions => this.#request('revoke', partitions),
      onLost: () => {
        this.#lost = true
        this.#wake?.()
      },
    })
    // The group may wait for its assignment to be taken: serve it meanwhile.
    const joined = joining.then(membership => {
      this.#membership = membership
    })
    await this.#serveUntil(joined)
    await joined
    await this.#serveRequests()
  }

  async #loop(): Promise<void> {
    const { commitIntervalMs, dirtyBytesMax, onPhase } = this.#settings
    for (let sinceTurn = 0; ;) {
      await this.#serveRequests()
      if (this.#lost)
        throw new MillraceError(
          'MEMBER_FENCED',
          `Instance '${this.#settings.instance}' of the app '${this.#app}' was expelled from its group: nothing more was committed. Start it again.`,
        )
      if (this.#stopping) return
      if (this.#finishing) {
        this.#finishing = false
        this.#until = 'end'
        this.#ends = undefined
      }
      if (this.#until && !this.#ends) this.#ends = await this.#captureEnds()

      const next = this.#chooseInput()
      if (next) {
        onPhase('processing')
        const { input, batch } = next
        const before = batch.batch.count
        input.load(batch)
        while (!input.run(turnRecords)) {
          sinceTurn = 0
          await this.#clock.yield()
          await this.#relieve()
        }
        this.metrics.records += before
        sinceTurn += before
      }
      this.#endInputs()
      await this.#advance()
      this.#raiseIdle(next !== undefined)
      const now = this.#clock.monotonic()
      let wakeAt = now + idleWaitMs
      for (const task of this.#tasks.all()) wakeAt = Math.min(wakeAt, task.tick(now))

      const done = this.#isDone()
      const dirty = this.#states.reduce((sum, { state }) => sum + state.dirtyBytes, 0)
      if (done || now - this.#committedAt >= commitIntervalMs || dirty >= dirtyBytesMax) await this.#commit()
      if (done && this.#isDone()) return
      await this.#relieve()
      if (!next && !done) {
        const untilCommit = this.#committedAt + commitIntervalMs - now
        await this.#waitForData(
          Math.max(1, Math.min(wakeAt - now, this.#hasUncommitted() ? untilCommit : idleWaitMs)),
        )
        sinceTurn = 0
      } else if (sinceTurn >= turnRecords) {
        sinceTurn = 0
        await this.#clock.yield()
      }
    }
  }

  /** Everything that is due fires, upstream first. */
  async #advance(): Promise<void> {
    while (!this.#tasks.advance()) {
      await this.#relieve()
      await this.#clock.yield()
    }
  }

  /** Holds on while too much is under way to the log. */
  async #relieve(): Promise<void> {
    this.#outputs.throwFailure()
    if (this.#outputs.bytesUnderWay > bytesUnderWayMax) await this.#outputs.settled()
  }

  /**
   * Tables without event time come first, all that there is of them: what they hold is to be there for what joins them.
   *
   * Then alignment: the partition whose watermark is lowest goes on. One that is far ahead waits, unless those behind it have nothing to give and
   * stand at their end, so that a replay does not open every window at once.
   */
  #chooseInput(): { input: InputPartition; batch: FetchedBatch } | undefined {
    let lowest = Number.POSITIVE_INFINITY
    let tables = false
    const streams: InputPartition[] = []
    for (const input of this.#inputs.values()) {
      if (this.#isAtEnd(input)) continue
      if (input instanceof SourcePartition && input.isTable) {
        tables = true
        const batch = this.#reader.take(input.topic, input.partition)
        if (batch) return { input, batch }
      } else {
        lowest = Math.min(lowest, input.watermark)
        streams.push(input)
      }
    }
    if (tables) return undefined
    streams.sort((a, b) => a.watermark - b.watermark)
    for (const input of streams) {
      if (input.watermark > lowest + this.#settings.alignmentMs) return undefined
      const batch = this.#reader.take(input.topic, input.partition)
      if (batch) return { input, batch }
    }
    return undefined
  }

  #isAtEnd(input: InputPartition): boolean {
    const end = this.#ends?.get(keyOf(input))
    return end !== undefined ? input.position >= end : this.#reader.atEnd(input.topic, input.partition)
  }

  async #captureEnds(): Promise<Map<string, number>> {
    const ends = new Map<string, number>()
    for (const input of this.#inputs.values())
      if (input instanceof SourcePartition)
        ends.set(
          keyOf(input),
          await this.#port.offsets(input.topic, input.partition, 'latest', 'read_committed'),
        )
    return ends
  }

  #endInputs(): void {
    if (this.#until !== 'end') return
    for (const input of this.#inputs.values()) {
      const end = this.#ends?.get(keyOf(input))
      if (end !== undefined && input.position >= end) input.end()
    }
  }

  /** A bounded run is done when every source is at its end and nothing is left between the stages. */
  #isDone(): boolean {
    if (!this.#until) return false
    for (const input of this.#inputs.values()) {
      const end = this.#ends?.get(keyOf(input))
      if (end !== undefined) {
        if (input.position < end) return false
      } else if (
        this.#until === 'end'
          ? input.watermark !== Number.POSITIVE_INFINITY
          : !this.#reader.atEnd(input.topic, input.partition) || this.#hasUncommitted()
      )
        return false
    }
    return true
  }

  /** A source partition at its end without data for long no longer holds the others back. */
  #raiseIdle(active: boolean): void {
    if (this.#until || active) return
    const now = this.#clock.monotonic()
    const sources = [...this.#inputs.values()].filter(input => input instanceof SourcePartition)
    let lowest = Number.POSITIVE_INFINITY
    for (const source of sources) if (!source.isIdle(now)) lowest = Math.min(lowest, source.watermark)
    if (lowest === Number.POSITIVE_INFINITY) return
    for (const source of sources) if (source.isIdle(now)) source.raise(lowest)
  }

  async #commit(): Promise<void> {
    const { onPhase, exactlyOnce } = this.#settings
    this.#committedAt = this.#clock.monotonic()
    const timestamp = this.#clock.now()
    this.#announce(timestamp)
    const offsets: OffsetCommit[] = []
    const positions = new Map<string, string>()
    for (const input of this.#inputs.values()) {
      const { topic, partition, position } = input
      const metadata = input.metadata()
      const mark = `${position} ${metadata}`
      positions.set(keyOf(input), mark)
      if (this.#committedPositions.get(keyOf(input)) !== mark)
        offsets.push({ topic, partition, offset: position, metadata })
    }
    this.#outputs.flush()
    for (const { task, state, topic, format } of this.#states)
      writeChanges(
        { topic, partition: task.partition, format },
        state.changes(),
        timestamp,
        (to, partition, batch) => this.#outputs.append(to, partition, batch),
      )
    if (offsets.length === 0 && !this.#outputs.hasUncommitted) {
      // The states have been asked all the same: unless told that this is settled they give the same nothing the next time.
      this.#statesCommitted()
      return
    }
    onPhase('committing')
    await this.#outputs.settled()
    const membership = this.#membership
    if (exactlyOnce)
      await this.#writer.commit({
        group: this.#app,
        ...(membership && { memberId: membership.memberId, generation: membership.generation }),
        offsets,
      })
    else if (membership) await membership.commit(offsets)
    this.#outputs.committed()
    this.#statesCommitted()
    this.#committedPositions = positions
    this.metrics.commits += 1
    onPhase('committed')
  }

  #statesCommitted(): void {
    for (const { state, store } of this.#states) state.committed(store.position ?? 0)
  }

  #hasUncommitted(): boolean {
    for (const input of this.#inputs.values())
      if (this.#committedPositions.get(keyOf(input)) !== `${input.position} ${input.metadata()}`) return true
    return this.#outputs.hasUncommitted
  }

  /** Over topics: each task tells those downstream how far it is, in the transaction that holds what it sent. */
  #announce(timestamp: number): void {
    if (this.#settings.exchange === 'memory') return
    for (const task of this.#tasks.all()) {
      if (this.#announced.get(task) === task.watermark) continue
      this.#announced.set(task, task.watermark)
      for (const stage of this.#plan.stages)
        for (const { exchange, from } of stage.incoming) {
          if (from !== task.stage) continue
          const topic = exchangeTopic(this.#app, exchange)
          for (let partition = 0; partition < this.#topics.partitions(topic); partition += 1)
            announceWatermark(this.#outputs, topic, partition, task, timestamp)
        }
    }
  }

  #makeState(task: Task, node: OperatorNode, name: string): KeyedState<unknown> {
    const id = `${node.name}-${name}`
    const store = memoryStore()
    const state = new KeyedState<unknown>(id, store)
    this.#states.push({ task, state, store, topic: changelogTopic(this.#app, id), format: node.label })
    return state
  }

  #request(kind: Request['kind'], partitions: readonly TopicPartition[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#requests.push({
        kind,
        partitions,
        done: error => (error === undefined ? resolve() : reject(error)),
      })
      this.#wake?.()
    })
  }

  async #serveRequests(): Promise<void> {
    for (let request = this.#requests.shift(); request; request = this.#requests.shift()) {
      try {
        if (request.kind === 'assign') await this.#assign(request.partitions)
        else await this.#revoke(request.partitions)
        request.done()
      } catch (error) {
        request.done(error)
        throw error
      }
    }
  }

  /** Makes the tasks of new partitions, rebuilds their state, and reads on from what was committed. */
  async #assign(partitions: readonly TopicPartition[]): Promise<void> {
    const committed = await this.#port.committedOffsets(this.#app, partitions)
    const restored = new Map(partitions.map((partition, i) => [keyOf(partition), committed[i]] as const))
    const firstState = this.#states.length
    for (const stage of this.#plan.stages) {
      const numbers = this.#tasksOf(stage, partitions)
      for (const number of numbers) {
        if (this.#tasks.task(stage, number)) continue
        const task = this.#tasks.add(stage, number, this.#restoredWatermark(stage, number, restored))
        for (const source of stage.sources)
          await this.#addSource(source, task, restored.get(`${source.topic.name}-${number}`))
        if (this.#settings.exchange === 'topic')
          for (const { exchange, from } of stage.incoming) {
            const topic = exchangeTopic(this.#app, exchange)
            const known = restored.get(`${topic}-${number}`)
            const offset = known?.offset ?? (await this.#port.offsets(topic, number, 'earliest'))
            const input = new ExchangePartition(
              this.#app,
              exchange,
              task,
              this.#topics.stagePartitions(from),
              { offset, metadata: known?.metadata },
            )
            this.#inputs.set(keyOf(input), input)
          }
      }
    }
    for (const { task, store, topic, format } of this.#states.slice(firstState)) {
      await this.#topics.ensure(topic, this.#topics.stagePartitions(task.stage), 'exact')
      await restore(this.#port, store, { topic, partition: task.partition, format, clock: this.#clock })
    }
    for (const input of this.#inputs.values())
      if (!this.#committedPositions.has(keyOf(input)) && restored.get(keyOf(input)))
        this.#committedPositions.set(keyOf(input), `${input.position} ${input.metadata()}`)
    this.#assignReader()
    this.#ends = undefined
  }

  /** The least of what the task's inputs stood at when they were last committed: what had fired by then. */
  #restoredWatermark(
    stage: Stage,
    number: number,
    restored: ReadonlyMap<string, OffsetCommit | undefined>,
  ): number {
    if (this.#settings.exchange === 'memory' || stage.incoming.length === 0) {
      let watermark = Number.POSITIVE_INFINITY
      for (const source of stage.sources)
        watermark = Math.min(
          watermark,
          SourcePartition.restoredWatermark(source, restored.get(`${source.topic.name}-${number}`)?.metadata),
        )
      for (const { from } of stage.incoming)
        for (let n = 0; n < this.#topics.stagePartitions(from); n += 1)
          watermark = Math.min(watermark, this.#tasks.task(from, n)?.watermark ?? Number.NEGATIVE_INFINITY)
      return watermark
    }
    let watermark = Number.POSITIVE_INFINITY
    for (const source of stage.sources)
      watermark = Math.min(
        watermark,
        SourcePartition.restoredWatermark(source, restored.get(`${source.topic.name}-${number}`)?.metadata),
      )
    for (const { exchange, from } of stage.incoming)
      watermark = Math.min(
        watermark,
        ExchangePartition.restoredWatermark(
          restored.get(`${exchangeTopic(this.#app, exchange)}-${number}`)?.metadata,
          this.#topics.stagePartitions(from),
        ),
      )
    return watermark
  }

  async #addSource(source: SourceNode, task: Task, known: OffsetCommit | undefined): Promise<void> {
    const topic = source.topic.name
    const offset = known?.offset ?? (await this.#port.offsets(topic, task.partition, 'earliest'))
    const input = new SourcePartition(
      source,
      task,
      source.topic.onError ?? this.#settings.onError,
      {
        now: () => this.#clock.now(),
        monotonic: () => this.#clock.monotonic(),
        drop: reason => {
          this.metrics.dropped[reason] += 1
        },
        deadLetter: letter => {
          this.metrics.deadLetters += 1
          this.#outputs.deadLetter(letter)
        },
      },
      { offset, metadata: known?.metadata },
    )
    this.#inputs.set(keyOf(input), input)
  }

  /** Commits, and closes the tasks of partitions that go to another instance. */
  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#advance()
    await this.#commit()
    const gone = new Set(partitions.map(keyOf))
    for (const key of gone) {
      this.#inputs.delete(key)
      this.#committedPositions.delete(key)
    }
    for (const task of Array.from(this.#tasks.all())) {
      if (!this.#topicsOf(task.stage).some(topic => gone.has(`${topic}-${task.partition}`))) continue
      this.#tasks.remove(task)
      this.#announced.delete(task)
      for (let i = this.#states.length - 1; i >= 0; i -= 1)
        if (this.#states[i]?.task === task) this.#states.splice(i, 1)
    }
    this.#assignReader()
  }

  #assignReader(): void {
    this.#reading = [...this.#inputs.values()]
    this.#reader.assign(
      this.#reading.map(({ topic, partition, position }) => ({
        topic,
        partition,
        offset: position,
      })),
    )
  }

  /** The topics whose partition n makes task n of a stage. */
  #topicsOf(stage: Stage): string[] {
    const sources = stage.sources.map(({ topic }) => topic.name)
    const exchanges =
      this.#settings.exchange === 'topic'
        ? stage.incoming.map(({ exchange }) => exchangeTopic(this.#app, exchange))
        : []
    return [...sources, ...exchanges]
  }

  /** Which tasks of a stage the partitions stand for. In memory a stage behind an exchange has all of its tasks here. */
  #tasksOf(stage: Stage, partitions: readonly TopicPartition[]): number[] {
    const topics = this.#topicsOf(stage)
    if (topics.length === 0) return Array.from({ length: this.#topics.stagePartitions(stage) }, (_, n) => n)
    return [
      ...new Set(partitions.filter(({ topic }) => topics.includes(topic)).map(({ partition }) => partition)),
    ].sort((a, b) => a - b)
  }

  #sources(): SourceNode[] {
    return this.#plan.stages.flatMap(({ sources }) => sources)
  }

  #allSourcePartitions(): TopicPartition[] {
    return this.#plan.stages.flatMap(stage =>
      this.#topicsOf(stage).flatMap(topic =>
        Array.from({ length: this.#topics.stagePartitions(stage) }, (_, partition) => ({ topic, partition })),
      ),
    )
  }

  /** Finished is what has closed its windows behind every exchange, too. */
  async #refuseFinished(): Promise<void> {
    const inputs = this.#allSourcePartitions()
    const committed = await this.#port.committedOffsets(this.#app, inputs)
    const sources = new Set(this.#sources().map(({ topic }) => topic.name))
    const isOver = ({ topic }: TopicPartition, metadata: string | undefined): boolean =>
      sources.has(topic) ? hasEnded(metadata) : ExchangePartition.hasEnded(metadata)
    if (inputs.length > 0 && inputs.every((input, n) => isOver(input, committed[n]?.metadata)))
      throw new MillraceError(
        'APP_FINISHED',
        `The app '${this.#app}' has finished: a run until 'end' closed all of its windows. Run it under another name, or start anew with { restart: true }.`,
      )
  }

  /** Forgets what earlier runs left: offsets, state, and what is between the stages. */
  async #forget(): Promise<void> {
    const own = new Set<string>()
    const prefix = `${this.#app}-`
    for (const { name } of await this.#port.listTopics())
      if (name.startsWith(prefix) && (name.endsWith('-changelog') || name.endsWith('-repartition')))
        own.add(name)
    for (const name of own) await this.#port.deleteTopic(name)
    const offsets: OffsetCommit[] = []
    for (const { topic, partition } of this.#allSourcePartitions())
      if (!own.has(topic))
        offsets.push({
          topic,
          partition,
          offset: await this.#port.offsets(topic, partition, 'earliest'),
          metadata: '',
        })
    await this.#port.commitOffsets({ group: this.#app, offsets })
    await this.#topics.prepare(this.#plan, this.#settings.exchange)
  }

  async #waitForData(timeoutMs: number): Promise<void> {
    const woken = new Promise<void>(resolve => {
      this.#wake = resolve
    })
    if (this.#requests.length === 0 && !this.#stopping && !this.#finishing && !this.#lost)
      await Promise.race([this.#reader.wait(timeoutMs), woken])
    this.#wake = undefined
  }

  /** Serves requests until `settling` has settled: the group waits for its answers while it joins and leaves. */
  async #serveUntil(settling: Promise<void>): Promise<void> {
    const state = { settled: false }
    const settle = (): void => {
      state.settled = true
      this.#wake?.()
    }
    settling.then(settle, settle)
    while (!state.settled) {
      await this.#serveRequests()
      if (!state.settled) await this.#pause()
    }
  }

  #pause(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve
      if (this.#requests.length > 0) resolve()
    })
  }

  async #close(): Promise<void> {
    await this.#advance()
    await this.#commit()
    this.progress()
    this.#stopping = true
    const leaving = this.#membership?.leave()
    if (leaving) await this.#serveUntil(leaving)
    await leaving
    await this.#writer.close()
    await this.#reader.close()
    await this.#lock?.release()
  }

  /** After a failure: nothing more is committed, everything is let go. What fails meanwhile is not what went wrong. */
  async #abandon(): Promise<void> {
    const ignore = (error: unknown): void => {
      if (!isMillraceError(error) && !(error instanceof Error)) throw error
    }
    for (const request of this.#requests.splice(0))
      request.done(new MillraceError('CLOSED', `The app '${this.#app}' has failed.`))
    for (const { state } of this.#states) state.discard()
    if (this.#settings.exactlyOnce) await this.#writer?.abort().catch(ignore)
    await this.#writer?.close().catch(ignore)
    await this.#reader?.close().catch(ignore)
    const leaving = this.#membership?.leave()
    for (const request of this.#requests.splice(0)) request.done()
    await leaving?.catch(ignore)
    await this.#lock?.release().catch(ignore)
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
