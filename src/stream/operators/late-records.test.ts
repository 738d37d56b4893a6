/** The side output of a window operator, alone: late records are forwarded unchanged. */
import { check } from './harness.test-support.ts'
import { jsonKeyCodec } from './key-codec.ts'
import { lateRecords } from './late-records.ts'

check('late records', lateRecords<string, number>(jsonKeyCodec), [
  ['a 1 @5', ['a 1 @5']],
  ['a 2 @3 W9', ['a 2 @3 W9']],
])
