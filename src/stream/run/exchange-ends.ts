/**
 * How far the topics between the stages were written. A commit stores it, so that a start notices
 * - lost records that no task has read yet: their sources are committed, so nothing would send them again;
 * - records that no commit counts: their sources would send them once more. Under `durability: 'os'` a loss
 *   of power may leave the records of a transaction without its offsets.
 *
 * The committed offsets of such a topic belong to its readers. So a writer stores how far it wrote with the
 * inputs of the tasks that send. The metadata of task i of n says how far partitions i, i + n, i + 2n, … were
 * written. Offsets that are too long for the metadata are rounded down. Later notes of them leave out as many
 * digits, so that a rounded offset is never taken for the exact one.
 */
import type { LogPort, TopicPartition } from '../../port/index.ts'
import { cannotContinue, restoreFolder } from './cannot-continue.ts'
import { exchangeTopic } from '../plan/own-topics.ts'
import type { ExchangeNode } from '../plan/graph.ts'
import { type InstanceContext, keyOf } from './instance-context.ts'
import { nextBatch } from '../task/last-batch.ts'
import type { Outputs } from '../task/outputs.ts'
import type { Stage } from '../plan/plan.ts'
import type { Task } from '../task/task.ts'

/** The most bytes of an offset's metadata: Kafka's limit, which is the log's, too. */
const metadataBytesMax = 4096
/** Bytes around each text. */
const overheadBytes = 12
const radix = 36
/** The most digits of base 36 that may be left out: all that an offset can have. */
const droppedDigitsMax = 11
/** More partitions than any topic has: another program wrote metadata that has more. */
const partitionsMax = 100_000

/** The offset after the last record of each partition of a topic. */
interface Sent {
  readonly ends: number[]
  /** Digits of the ends that were left out. */
  dropped: number
}

/** By the exchange's name. */
type Ends = Map<string, Sent>

export class ExchangeEnds {
  readonly #context: InstanceContext
  readonly #outputs: Outputs
  /** What earlier commits, of any instance, say of the inputs that this instance has now. */
  readonly #known: Ends = new Map()

  constructor(context: InstanceContext, outputs: Outputs) {
    this.#context = context
    this.#outputs = outputs
  }

  /** An input begins with the metadata that was committed last. */
  begins(metadata: string | undefined): void {
    take(this.#known, endsIn(metadata))
  }

  /**
   * The notes to commit with the inputs of these tasks, by the inputs' keys. `metadata`: the rest of each
   * input's metadata.
   */
  notes(all: Iterable<Task>, metadata: ReadonlyMap<string, string>): Map<string, string> {
    const notes = new Map<string, string>()
    const { plan, settings, topics } = this.#context
    if (settings.exchange === 'memory') return notes
    const ofStages = Map.groupBy(all, ({ stage }) => stage)
    for (const stage of plan.stages) {
      const behind = this.#behind(stage)
      const tasks = ofStages.get(stage) ?? []
      const [topic] = topics.read(stage)
      if (behind.length === 0 || topic === undefined) continue
      tasks.forEach(({ partition }, index) => {
        const key = keyOf({ topic, partition })
        const room = metadataBytesMax - (metadata.get(key)?.length ?? 0)
        const note = this.#note(behind, index, tasks.length, room)
        if (note !== '') notes.set(key, note)
      })
    }
    return notes
  }

  #note(behind: readonly ExchangeNode[], index: number, count: number, room: number): string {
    const names = behind.reduce((bytes, { name }) => bytes + JSON.stringify(name).length + overheadBytes, 0)
    const each = (room - names) / behind.length
    const texts: Record<string, string> = {}
    for (const { name } of behind) {
      const topic = exchangeTopic(this.#context.app, { name })
      const known = this.#known.get(name)
      const ends = Array.from({ length: this.#context.topics.partitions(topic) }, (_, partition) =>
        Math.max(known?.ends[partition] ?? 0, this.#outputs.end(topic, partition)),
      )
      const own = ends.filter((_, partition) => partition % count === index)
      const text = own.some(end => end > 0) ? textOf(own, { index, count }, known?.dropped ?? 0, each) : ''
      if (text !== '') texts[name] = text
    }
    return Object.keys(texts).length > 0 ? JSON.stringify(texts) : ''
  }

  /** The exchanges that a stage sends to. */
  #behind(stage: Stage): ExchangeNode[] {
    const edges = this.#context.plan.stages.flatMap(({ incoming }) => incoming)
    return edges.filter(({ from }) => from === stage).map(({ exchange }) => exchange)
  }
}

/** The field of the metadata. */
const field = 'sent'

/** Adds a note to metadata, which is JSON. */
export function withNote(metadata: string, note: string | undefined): string {
  if (note === undefined) return metadata
  return `${metadata.slice(0, -1)}${metadata === '{}' ? '' : ','}"${field}":${note}}`
}

export interface ExchangesToCheck {
  /** The names of the exchanges that the last plan had. */
  readonly exchanges: readonly string[]
  /** The app's inputs. */
  readonly inputs: readonly TopicPartition[]
  /** Whether there may be records that no commit counts, as a crash leaves them at least once. */
  readonly mayHaveUncounted: boolean
}

/**
 * Checks that every record that was sent to the next stage, and not read there, still exists, and that a
 * commit counts each.
 * @throws MillraceError STATE_INCOMPATIBLE
 */
export async function checkExchangeEnds(
  { app, port }: InstanceContext,
  { exchanges, inputs, mayHaveUncounted }: ExchangesToCheck,
): Promise<void> {
  const partitions = await partitionsOf(app, port, exchanges)
  // The ends are read first: what other instances commit and send meanwhile is after them.
  const ends: number[] = []
  for (const { topic, partition } of mayHaveUncounted ? [] : partitions)
    ends.push(await port.offsets(topic, partition, 'latest', 'read_committed'))
  const read = await port.committedOffsets(app, partitions)
  const sent: Ends = new Map()
  for (const commit of [...(await port.committedOffsets(app, inputs)), ...read])
    take(sent, endsIn(commit?.metadata))
  // An input without new records still has the notes of an earlier program, for exchanges that are gone.
  for (const name of sent.keys()) if (!exchanges.includes(name)) sent.delete(name)
  await checkSent(app, port, sent, new Map(partitions.map((each, n) => [keyOf(each), read[n]?.offset ?? 0])))
  for (const [n, end] of ends.entries()) {
    const { name, topic, partition } = partitions[n]!
    const { ends: counted = [], dropped = 0 } = sent.get(name) ?? {}
    const atMost = (counted[partition] ?? 0) + radix ** dropped - 1
    // What was read before may be of an earlier program, in whose place the exchange was taken out and added.
    const from = Math.max(atMost, read[n]?.offset ?? 0)
    if (from < end && (await nextBatch(port, { topic, partition }, from, end)))
      throw cannotContinue(
        app,
        `records were sent to the next stage at offset ${from} of ${topic}-${partition} or later, and its last commit does not count them: offsets were set back, by a loss of power under durability 'os' or a repair perhaps. ` +
          'Their sources would send them once more',
        restoreFolder,
      )
  }
}

/** Checks that the records that were sent exist, up to the offsets that were read. */
async function checkSent(
  app: string,
  port: LogPort,
  sent: Ends,
  offsets: ReadonlyMap<string, number>,
): Promise<void> {
  for (const [name, { ends }] of sent)
    for (const [partition, end] of ends.entries()) {
      const topic = exchangeTopic(app, { name })
      const offset = offsets.get(keyOf({ topic, partition }))
      if (end === 0 || (offset !== undefined && end <= offset)) continue
      if (offset !== undefined && (await nextBatch(port, { topic, partition }, end - 1))) continue
      throw cannotContinue(
        app,
        `its last commit says that records were sent to the next stage up to offset ${end} of ${topic}-${partition}, and they are gone before they were processed, by a repair perhaps`,
        restoreFolder,
      )
    }
}

interface ExchangePartition extends TopicPartition {
  /** The exchange's. */
  readonly name: string
}

async function partitionsOf(
  app: string,
  port: LogPort,
  exchanges: readonly string[],
): Promise<ExchangePartition[]> {
  const found: ExchangePartition[] = []
  for (const name of exchanges) {
    const topic = exchangeTopic(app, { name })
    const { partitions = 0 } = (await port.describeTopic(topic)) ?? {}
    for (let partition = 0; partition < partitions; partition += 1) found.push({ name, topic, partition })
  }
  return found
}

function take(into: Ends, from: Ends): void {
  for (const [name, { ends, dropped }] of from) {
    const known = into.get(name) ?? { ends: [], dropped }
    into.set(name, known)
    known.dropped = Math.max(known.dropped, dropped)
    ends.forEach((end, partition) => {
      known.ends[partition] = Math.max(known.ends[partition] ?? 0, end)
    })
    for (let partition = 0; partition < known.ends.length; partition += 1) known.ends[partition] ??= 0
  }
}

/**
 * `<index>/<count>/<digits>:<end>,<end>…`: each end without that number of its last digits, at least
 * `droppedMin`. Empty if there is no room.
 */
function textOf(
  ends: readonly number[],
  { index, count }: { readonly index: number; readonly count: number },
  droppedMin: number,
  room: number,
): string {
  for (let dropped = droppedMin; dropped <= droppedDigitsMax; dropped += 1) {
    const head = [index, count, dropped].map(each => each.toString(radix)).join('/')
    const text = `${head}:${ends.map(end => Math.floor(end / radix ** dropped).toString(radix)).join(',')}`
    if (text.length <= room) return text
  }
  return ''
}

/** The ends in the metadata of an input, by the exchange's name. Ends that cannot be read are left out. */
function endsIn(metadata: string | undefined): Ends {
  const found: Ends = new Map()
  if (!metadata?.includes(`"${field}":`)) return found
  let texts: unknown
  try {
    texts = (JSON.parse(metadata) as Record<string, unknown>)[field]
  } catch {
    return found
  }
  for (const [name, text] of Object.entries((texts ?? {}) as Record<string, string>)) {
    const [head = '', list = ''] = text.split(':')
    const [index = Number.NaN, count = Number.NaN, dropped = Number.NaN] = head
      .split('/')
      .map(each => Number.parseInt(each, radix))
    const ends: number[] = []
    for (const [n, end] of list.split(',').entries())
      ends[index + n * count] = Number.parseInt(end, radix) * radix ** dropped
    if (ends.length > partitionsMax) continue
    for (let partition = 0; partition < ends.length; partition += 1) ends[partition] ??= 0
    if (!ends.some(Number.isNaN)) found.set(name, { ends, dropped })
  }
  return found
}
