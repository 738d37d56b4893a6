/**
 * The bugs that our tests have to catch, each a small patch of the sources: what one gets wrong in a log and a stream processor, and what no
 * test notices that only looks at a run in which nothing goes wrong. main.ts applies them one by one; bugs.test.ts keeps the patches current.
 */
export interface SeededBug {
  readonly name: string
  readonly file: string
  /** Stands exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** Test files, of which one at least fails. */
  readonly tests: readonly string[]
}

export const bugs: readonly SeededBug[] = [
  {
    name: 'no fdatasync',
    file: 'src/log/partition.ts',
    find: '    await this.#active.sync()\n',
    replace: '',
    tests: ['test/log/simulator.test.ts', 'test/broker/crash.test.ts'],
  },
  {
    name: 'acknowledge before sync',
    file: 'src/log/group-commit.ts',
    find: '        flush.written.done()\n',
    replace: '        flush.written.done()\n        flush.durable.done()\n',
    tests: ['test/log/simulator.test.ts', 'test/broker/crash.test.ts'],
  },
  {
    // The commit point is durable, and a marker follows from it, while records of the transaction are not.
    name: 'marker before its data',
    file: 'src/broker/transactions.ts',
    find: "      if (outcome === 'commit') await this.#log.syncAll(participants)\n",
    replace: '',
    tests: ['test/broker/crash.test.ts'],
  },
  {
    // The mark of a clean stop outlives the start after it: the next one takes what a crash left for what was closed.
    name: 'stale checkpoint accepted',
    file: 'src/log/log-directory.ts',
    find: '      await disk.remove(`${this.path}/${cleanMarkerName}`)\n',
    replace: '',
    tests: ['test/log/simulator.test.ts', 'test/broker/crash.test.ts'],
  },
  {
    name: 'skipped epoch bump',
    file: 'src/broker/transactions.ts',
    find: '      entry.epoch += 1\n      await this.#write(',
    replace: '      await this.#write(',
    tests: ['test/broker/transactions.test.ts', 'test/broker/conformance.test.ts'],
  },
  {
    name: 'offset + 1 across a marker',
    file: 'src/broker/reader.ts',
    find: '    source.position = batch.nextOffset\n',
    replace: '    source.position = batch.batch.lastOffset + 1\n',
    tests: ['test/broker/conformance.test.ts'],
  },
  {
    name: 'dirty key dropped from the changelog',
    file: 'src/state/keyed-state.ts',
    find: '    for (const entry of this.#dirty) {\n',
    replace: '    for (const entry of this.#dirty.slice(1)) {\n',
    tests: ['src/state/keyed-state.model.test.ts', 'test/stream/oracle.test.ts'],
  },
  {
    name: 'watermark forgotten at restart',
    file: 'src/stream/source-partition.ts',
    find: '      ...(Number.isFinite(this.watermark) && { watermark: this.watermark }),\n',
    replace: '',
    tests: ['test/stream/oracle.test.ts', 'test/app/invariant.test.ts'],
  },
  {
    name: 'offsets committed outside the transaction',
    file: 'src/stream/instance.ts',
    find: '    if (exactlyOnce)\n      await this.#writer.commit({',
    replace:
      '    if (exactlyOnce) await this.#writer.commit()\n    if (exactlyOnce)\n      await this.#port.commitOffsets({',
    tests: ['test/app/invariant.test.ts'],
  },
  {
    name: 'an aborted record shown',
    file: 'src/broker/reader.ts',
    find: '    return !(batch.isTransactional && this.#producers.has(batch.producerId))\n',
    replace: '    return true\n',
    tests: ['test/broker/conformance.test.ts'],
  },
]
