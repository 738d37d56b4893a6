/** Bugs of state. */
import type { SeededBug } from '../seeded-bug.ts'

export const stateBugs: readonly SeededBug[] = [
  {
    name: 'dirty key dropped from the changelog: the first of each commit',
    file: 'src/state/keyed-state.ts',
    find: '    for (const entry of this.#dirty) {\n',
    replace: '    for (const entry of this.#dirty.slice(1)) {\n',
    tests: ['src/state/keyed-state.model.test.ts', 'test/stream/oracle.test.ts'],
  },
  {
    name: 'dirty key dropped from the changelog: one that was deleted',
    file: 'src/state/keyed-state.ts',
    find: "      if (entry.inStore === 'stored') changes.push([storeKey, undefined])\n",
    replace: '',
    tests: ['src/state/keyed-state.model.test.ts'],
  },
  {
    name: 'shared objects: what state gives back after a restart is not frozen',
    file: 'src/state/keyed-state.ts',
    find: 'return frozen(valueCodec.decode(bytes) as V)',
    replace: 'return valueCodec.decode(bytes) as V',
    tests: ['test/app/shared-objects.test.ts', 'src/state/keyed-state.test.ts'],
  },
  {
    name: 'shared objects: bytes of the state are handed out',
    file: 'src/state/frozen.ts',
    find: 'return binarySeen && isObject(value) && hasBinary(value) ?',
    replace: 'return binarySeen && isObject(value) && !hasBinary(value) ?',
    tests: ['src/state/frozen.test.ts', 'test/app/shared-objects.test.ts'],
  },
  {
    name: 'a bad record leaves a trace: state is not undone',
    file: 'src/state/undo-log.ts',
    find: 'while (this.#undo.length > mark) this.#undo.pop()?.()',
    replace: 'while (this.#undo.length > mark) this.#undo.pop()',
    tests: ['src/state/undo-log.test.ts', 'test/app/bad-records-leave-no-trace.test.ts'],
  },
  {
    name: 'a bad record leaves a trace: outputs do not wait',
    file: 'src/state/undo-log.ts',
    find: '    if (this.isOpen) this.#deferred.push(act)\n    else act()\n',
    replace: '    act()\n',
    tests: ['src/state/undo-log.test.ts', 'test/app/bad-records-leave-no-trace.test.ts'],
  },
  {
    name: 'state: what is put below the first row is not found',
    file: 'src/state/keyed-state.ts',
    find: '      if (namespace <= this.#floor) {\n',
    replace: '      if (namespace === this.#floor) {\n',
    tests: ['src/state/keyed-state.model.test.ts'],
  },
  {
    name: 'state: the first row is one that was deleted',
    file: 'src/state/keyed-state.ts',
    find: '    if (bucket.namespace === this.#floor) this.#floorIsLive = false\n',
    replace: '',
    tests: ['src/state/keyed-state.model.test.ts'],
  },
  {
    name: 'state: a scan above the first row begins with that',
    file: 'src/state/keyed-state.ts',
    find: 'return from <= this.#floor ? this.#floor : this.#findFrom(from)',
    replace: 'return this.#floor',
    tests: ['src/state/keyed-state.model.test.ts'],
  },
  {
    name: 'state: each question passes all rows that were deleted',
    file: 'src/state/keyed-state.ts',
    find: '    if (!this.#floorIsLive) {\n',
    replace: '    if (from > this.#floor) return this.#findFrom(from)\n    if (!this.#floorIsLive) {\n',
    tests: ['src/state/keyed-state.test.ts'],
  },
  {
    name: 'changelog: a batch grows past what its topic takes',
    file: 'src/state/changelog.ts',
    find: 'if (batch && batch.sizeBytes + bound > batchBytesMax) {',
    replace: 'if (batch && batch.sizeBytes + bound < 0) {',
    tests: ['test/app/outputs.test.ts'],
  },
]
