/** Bugs of codecs. */
import type { SeededBug } from '../seeded-bug.ts'

export const schemaBugs: readonly SeededBug[] = [
  {
    name: 'codec: what the schema does not know is written',
    file: 'src/schema/codec.ts',
    find: '    if (hasUnknown(value, output)) {\n',
    replace: '    if (false) {\n',
    tests: ['src/schema/codec.test.ts'],
  },
  {
    name: 'codec: what JSON turns into something else is written',
    file: 'src/schema/codec.ts',
    find: '!survivesJson(toWrite)) checkReadable(',
    replace: 'false) checkReadable(',
    tests: ['src/schema/codec.test.ts'],
  },
]
