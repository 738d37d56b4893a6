/** Bugs of the server of Kafka's protocol: connections, frames, fetches. */
import type { SeededBug } from '../seeded-bug.ts'

export const serverBugs: readonly SeededBug[] = [
  {
    name: 'protocol: a batch that lies is admitted',
    file: 'src/broker/admission/header.ts',
    find: 'if (!batch.isValid())',
    replace: 'if (batch.sizeBytes < 0)',
    tests: ['src/broker/server/server.test.ts'],
  },
  {
    name: 'protocol: responses leave out of order',
    file: 'src/broker/server/client-connection.ts',
    find: 'await this.#serve(frame)',
    replace: 'void this.#serve(frame)',
    tests: ['src/broker/server/server.test.ts'],
  },
  {
    name: 'protocol: a fetch session forgets a partition that had records',
    file: 'src/broker/handlers/01-fetch.ts',
    find: '  session.partitions.delete(key)\n  session.partitions.set(key, told)\n',
    replace: '  session.partitions.delete(key)\n',
    tests: ['test/broker/fetch-sessions.test.ts'],
  },
  {
    name: 'protocol: the partitions of a fetch session are always read in the same order',
    file: 'src/broker/handlers/01-fetch.ts',
    find: '  session.partitions.delete(key)\n',
    replace: '',
    tests: ['test/broker/fetch-sessions.test.ts'],
  },
  {
    name: 'protocol: a lent frame is given back before its batch is written',
    file: 'src/broker/server/client-connection.ts',
    find: '      isKept = await this.#answer(bytes, response)\n',
    replace:
      '      const answering = this.#answer(bytes, response)\n      if (lent) frameMemory.giveBack(lent)\n      lent = undefined\n      isKept = await answering\n',
    tests: ['src/broker/server/bad-peers.test.ts'],
  },
  {
    name: 'protocol: fetched records are given back before they have left',
    file: 'src/broker/server/client-connection.ts',
    find: '    await this.#connection.write(last, () => response.drop())\n',
    replace: '    response.drop()\n    await this.#connection.write(last)\n',
    tests: ['test/broker/faulty-net.test.ts'],
  },
  {
    name: 'protocol: a slow sender has a new deadline with each byte',
    file: 'src/broker/server/client-connection.ts',
    find: '    if (this.#waiting === what) return\n',
    replace: '',
    tests: ['src/broker/server/bad-peers.test.ts'],
  },
  {
    name: 'protocol: a fetch waits for a client that is gone',
    file: 'src/broker/server/client-connection.ts',
    find: '    if (handled instanceof Promise) this.#readAhead()\n',
    replace: '',
    tests: ['src/broker/server/bad-peers.test.ts'],
  },
  {
    name: 'protocol: requests of all connections together have no bound',
    file: 'src/broker/server/frame-memory.ts',
    find: '    if (!this.#memory.isScarce) return undefined\n',
    replace: '    if (!this.#memory.isScarce || borrower) return undefined\n',
    tests: ['src/broker/server/bad-peers.test.ts'],
  },
  {
    name: 'protocol: halves of requests wait for each other for ever',
    file: 'src/broker/server/frame-memory.ts',
    find: '    this.#favoured ??= borrower\n',
    replace: '',
    tests: ['src/broker/server/bad-peers.test.ts'],
  },
  {
    name: 'protocol: a fetch waits for least bytes that its limits rule out',
    file: 'src/broker/fetch/partition-fetch.ts',
    find: 'const isCut = nextOffset < one.end',
    replace: 'const isCut = nextOffset < 0',
    tests: ['src/broker/fetch/partition-fetch.test.ts'],
  },
]
