/** Bugs of base, connectors and the composition root. */
import type { SeededBug } from '../seeded-bug.ts'

export const othersBugs: readonly SeededBug[] = [
  {
    name: 'a delivery keeps the batches of its rows, and not copies: a dead letter holds the bytes of another',
    file: 'src/connect/raw-record.ts',
    find: 'batch: new RecordBatch(Buffer.from(fetched.batch.bytes))',
    replace: 'batch: new RecordBatch(fetched.batch.bytes)',
    tests: ['src/connect/deliver.test.ts'],
  },
  {
    name: 'time in which nobody could act: a stall counts in full',
    file: 'src/base/active-clock.ts',
    find: 'Math.min(elapsedMs, lateStepsMax * this.#stepMs)',
    replace: 'elapsedMs',
    tests: ['test/broker/stopped.test.ts', 'test/app/stopped.test.ts'],
  },
  {
    name: 'a run fails silently: its outcome has a handler',
    file: 'src/base/outcome.ts',
    find: '    })()\n  }\n',
    replace: '    })()\n    this.#outcome.catch(() => {})\n  }\n',
    tests: ['test/app/endings.test.ts'],
  },
  {
    name: 'a log closes without waiting for the apps over it',
    file: 'src/create-app.ts',
    find: "        ask('stop')\n        return outcome.ended\n",
    replace: "        ask('stop')\n        return Promise.resolve()\n",
    tests: ['test/app/endings.test.ts'],
  },
  {
    name: 'at the entrance: an option that does not exist is ignored',
    file: 'src/base/options.ts',
    find: 'if (kind === undefined) throw unknownOption(what, name, Object.keys(known))',
    replace: 'if (kind === undefined) continue',
    tests: ['src/base/options.test.ts'],
  },
  {
    name: 'at the entrance: options of a log are not checked',
    file: 'src/open-log.ts',
    find: "  checkOptions('openLog', options, kinds)\n",
    replace: '',
    tests: ['src/open-log.test.ts'],
  },
  {
    name: 'at the entrance: options of a delivery are not checked',
    file: 'src/connect/deliver.ts',
    find: "  checkOptions(`the delivery of '${topic.name}' to '${sink.name}'`, options, deliverOptionKinds)\n",
    replace: '',
    tests: ['src/connect/checks.test.ts'],
  },
  {
    name: 'at the entrance: options of a publication are not checked',
    file: 'src/connect/publish.ts',
    find: "checkOptions(`publish to '${topic.name}'`, options, publishOptionKinds)",
    replace: '',
    tests: ['src/connect/checks.test.ts'],
  },
  {
    name: 'a log closes and leaves the apps over it running',
    file: 'src/create-app.ts',
    find: "        ask('stop')\n        return outcome.ended\n",
    replace: '        return Promise.resolve()\n',
    tests: ['test/app/endings.test.ts'],
  },
  {
    name: 'a log closes and leaves the deliveries over it running',
    file: 'src/connect/deliver.ts',
    find: '    const release = log.onClose(() => {\n      run.stop()\n',
    replace: '    const release = log.onClose(() => {\n',
    tests: ['test/app/endings.test.ts'],
  },
  {
    name: 'a log closes before the runs over it have ended',
    file: 'src/port/handles.ts',
    find: 'for (const ends of [this.#working, this.#producing])',
    replace: 'for (const ends of [this.#producing])',
    tests: ['src/port/log.test.ts', 'test/app/endings.test.ts'],
  },
  {
    name: 'compression makes a batch larger than its topic takes',
    file: 'src/wire/batch-builder.ts',
    find: '    if (batchHeaderBytes + records.length >= this.#position) return undefined\n',
    replace: '',
    tests: ['src/wire/record-batch.test.ts', 'src/port/produce/record-sizes.test.ts'],
  },
  {
    name: 'an lz4 frame decompresses to more than its limit',
    file: 'src/base/compression-lz4.ts',
    find: "  if (largestOutput(blocks) > maxBytes && exactOutput(bytes, blocks) > maxBytes) return 'too-large'\n",
    replace:
      '  if (blocks.length === 0 && largestOutput(blocks) > exactOutput(bytes, blocks)) return bytes\n',
    tests: ['src/base/compression.test.ts'],
  },
  {
    name: 'the blocks of a snappy stream are not added up before they are decompressed',
    file: 'src/base/compression-snappy.ts',
    find: '    total += size\n    if (total > maxBytes)',
    replace: '    total += size\n    if (size > maxBytes)',
    tests: ['src/base/compression.test.ts'],
  },
]
