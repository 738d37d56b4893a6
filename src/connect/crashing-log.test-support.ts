/**
 * The log of the tests of connectors: the one in process, over a simulated disk, with crashes at chosen
 * moments of a commit.
 */
import { seededRandom, systemClock } from '../base/index.ts'
import { InProcessLog } from '../broker/index.ts'
import { batchesUpTo, type LogAdmin, type LogPort, type Writer, type WriterOptions } from '../port/index.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'

/** What a crash looks like to the code that it happens to. */
export class Crash extends Error {}

export interface SeenRecord {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly valueBytes: Uint8Array | null
  readonly headers: Record<string, string>
}

/** Opens itself at its first use. Two of them that are used in the same way have topics of the same ids. */
export class CrashingLog implements LogPort {
  /** Called before a transaction commits and after it did; what it throws is a crash at this place. */
  onCommit: (when: 'before' | 'after', transactionalId: string) => void = () => undefined
  #port: Promise<LogPort> | undefined

  readonly admin: LogAdmin = {
    describeCluster: async () => (await this.#opened()).admin.describeCluster(),
    describeConfigs: async (...of) => (await this.#opened()).admin.describeConfigs(...of),
    describePartitions: async topic => (await this.#opened()).admin.describePartitions(topic),
    describeGroup: async group => (await this.#opened()).admin.describeGroup(group),
    deleteGroup: async group => (await this.#opened()).admin.deleteGroup(group),
    deleteOffsets: async (...of) => (await this.#opened()).admin.deleteOffsets(...of),
    deleteRecords: async (...which) => (await this.#opened()).admin.deleteRecords(...which),
    createPartitions: async (...of) => (await this.#opened()).admin.createPartitions(...of),
    alterConfigs: async (...to) => (await this.#opened()).admin.alterConfigs(...to),
    listTransactions: async () => (await this.#opened()).admin.listTransactions(),
    openTransactions: async topic => (await this.#opened()).admin.openTransactions(topic),
    abortTransaction: async which => (await this.#opened()).admin.abortTransaction(which),
  }

  createTopic: LogPort['createTopic'] = async (...to) => (await this.#opened()).createTopic(...to)
  describeTopic: LogPort['describeTopic'] = async name => (await this.#opened()).describeTopic(name)
  listTopics: LogPort['listTopics'] = async options => (await this.#opened()).listTopics(options)
  deleteTopic: LogPort['deleteTopic'] = async (...which) => (await this.#opened()).deleteTopic(...which)
  offsets: LogPort['offsets'] = async (...at) => (await this.#opened()).offsets(...at)
  openReader: LogPort['openReader'] = async options => (await this.#opened()).openReader(options)
  joinGroup: LogPort['joinGroup'] = async options => (await this.#opened()).joinGroup(options)
  committedOffsets: LogPort['committedOffsets'] = async (...of) =>
    (await this.#opened()).committedOffsets(...of)
  commitOffsets: LogPort['commitOffsets'] = async commit => (await this.#opened()).commitOffsets(commit)
  listGroups: LogPort['listGroups'] = async () => (await this.#opened()).listGroups()
  setOffsets: LogPort['setOffsets'] = async (...to) => (await this.#opened()).setOffsets(...to)
  deleteApp: LogPort['deleteApp'] = async app => (await this.#opened()).deleteApp(app)
  lock: LogPort['lock'] = async (...which) => (await this.#opened()).lock(...which)
  close: LogPort['close'] = async () => (await this.#opened()).close()

  async openWriter(options: WriterOptions = {}): Promise<Writer> {
    const writer = await (await this.#opened()).openWriter(options)
    const { transactionalId = '' } = options
    return {
      append: (...batch) => writer.append(...batch),
      commit: async offsets => {
        this.onCommit('before', transactionalId)
        await writer.commit(offsets)
        this.onCommit('after', transactionalId)
      },
      abort: () => writer.abort(),
      close: () => writer.close(),
    }
  }

  /** What a committed reader sees. */
  async read(topic: string): Promise<SeenRecord[]> {
    const port = await this.#opened()
    const seen: SeenRecord[] = []
    const text = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString()
    const { partitions = 0 } = (await port.describeTopic(topic)) ?? {}
    for (let partition = 0; partition < partitions; partition += 1) {
      const end = await port.offsets(topic, partition, 'latest', 'read_committed')
      for await (const { batch } of batchesUpTo(port, { topic, partition, offset: 0 }, { end })) {
        const records = batch.records()
        while (records.next())
          seen.push({
            partition,
            offset: records.offset,
            timestamp: records.timestamp,
            key: text(records.key()),
            value: text(records.value()),
            valueBytes: records.value() && Buffer.from(records.value()!),
            headers: Object.fromEntries(records.headers().map(({ key, value }) => [key, text(value) ?? ''])),
          })
      }
    }
    return seen
  }

  #opened(): Promise<LogPort> {
    const random = seededRandom(1)
    const disk = new SimulatedDisk({ random })
    return (this.#port ??= InProcessLog.open('/data', { disk, clock: systemClock, random }))
  }
}
