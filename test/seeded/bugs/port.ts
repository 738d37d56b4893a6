/** Bugs of producers and consumers. */
import type { SeededBug } from '../seeded-bug.ts'

export const portBugs: readonly SeededBug[] = [
  {
    name: 'offset + 1 across a marker: what a consumer commits',
    file: 'src/port/consumed-records.ts',
    find: 'const { partition, nextOffset } = fetched\n',
    replace: 'const { partition, batch: { nextOffset } } = fetched\n',
    tests: ['test/broker/consumer.test.ts'],
  },
  {
    name: 'producer: a batch is opened before its record is checked',
    file: 'src/port/producer.ts',
    find: '    const encoded = this.#encoder.encode(record)\n',
    replace:
      '    this.#batch(0, { key: null, bytesMax: 0 }, batchBytes)\n    const encoded = this.#encoder.encode(record)\n',
    tests: ['test/broker/producer-refusals.test.ts'],
  },
  {
    name: 'producer: times that the processor refuses are written',
    file: 'src/port/outgoing-record.ts',
    find: '      Number.isSafeInteger(timestamp) &&\n      (timestamp as number) >= 0 &&\n',
    replace: '      Number.isSafeInteger(timestamp) &&\n',
    tests: ['test/broker/producer-refusals.test.ts'],
  },
  {
    name: 'topics: a declared partition count is not compared',
    file: 'src/port/ensure-topic.ts',
    find: '  if (partitions === undefined || partitions === found) return found\n',
    replace: '  if (partitions !== Infinity) return found\n',
    tests: ['test/broker/producer-refusals.test.ts'],
  },
  {
    name: 'consumer: what came before a malformed record is not handed out',
    file: 'src/port/consumed-records.ts',
    find: '            records,\n            nextOffset: offset,\n',
    replace: '            records: [],\n            nextOffset: offset,\n',
    tests: ['test/broker/consumer.test.ts'],
  },
  {
    name: 'consumer: stays in its group when its loop fails',
    file: 'src/port/consumer.ts',
    find: '      await subscription.end().catch(() => undefined)\n',
    replace: '',
    tests: ['test/broker/consumer-ends.test.ts'],
  },
  {
    name: 'consumer: does not hear that it was expelled',
    file: 'src/port/subscription.ts',
    find: '    this.#assign()\n    this.#fail(error)\n',
    replace: '    this.#assign()\n',
    tests: ['test/broker/consumer.test.ts'],
  },
  {
    name: 'consumer: the record that it works on holds up other partitions',
    file: 'src/port/subscription.ts',
    find: '      busy: () => this.#busy(),\n',
    replace: '',
    tests: ['test/broker/consumer.test.ts'],
  },
  {
    name: 'consumer: what is at work when it is closed counts as processed',
    file: 'src/port/subscription.ts',
    find: '    this.#assigned.dropWork()\n',
    replace: '    this.#assigned.finishWork()\n',
    tests: ['test/broker/consumer-ends.test.ts'],
  },
  {
    name: 'a lost partition is committed: by a member that was expelled at work',
    file: 'src/port/assigned-partitions.ts',
    find: '      this.#leaving.delete(partition)\n      this.dropWork(partition)\n',
    replace: '      if (this.#work?.partition === partition) this.#work = undefined\n',
    tests: ['test/broker/consumer.test.ts'],
  },
]
