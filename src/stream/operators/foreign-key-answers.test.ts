/** Rows answer those that ask for them, at once and at each change. */
import { murmur2OfBinary } from '../../base/index.ts'
import { check } from './harness.test-support.ts'
import { answerForeignKeys } from './foreign-key-answers.ts'
import { jsonKeyCodec } from './key-codec.ts'

const raw = (key: string): string => JSON.stringify(key)

/** A row asks, or no longer. */
const ask = (asker: string, asks = true): string => JSON.stringify({ asker: raw(asker), asks })

/** The answer on x. */
function answer(row: readonly [value: number, timestamp: number] | null, isLast = false, deletedAt?: number) {
  const [value, timestamp] = row ?? []
  return JSON.stringify({
    on: raw('x'),
    row: row && { value, timestamp },
    deletedAt: deletedAt ?? null,
    isLast,
  })
}

/** The state: the row of x, and who asks for it. */
function keeps(row: readonly [value: number, timestamp: number] | null, ...askers: string[]): string[] {
  const [value, timestamp] = row ?? []
  return [
    ...(row ? [`rows 0 x ${JSON.stringify({ value, timestamp })}`] : []),
    ...askers.map(asker => `askers ${murmur2OfBinary(raw('x'))} ...."x"${raw(asker)} true`),
  ]
}

check('those that ask get the row, null if there is none, and each change', answerForeignKeys(jsonKeyCodec), [
  [`x ${ask('a')} @1`, [`a ${answer(null)} @1`], keeps(null, 'a')],
  ['1: x 5 @2 W1', [`a ${answer([5, 2])} @2 W1`], keeps([5, 2], 'a')],
  [`x ${ask('b')} @3`, [`b ${answer([5, 2])} @3`], keeps([5, 2], 'a', 'b')],
  ['1: x 6←5 @4', [`a ${answer([6, 4])} @4`, `b ${answer([6, 4])} @4`], keeps([6, 4], 'a', 'b')],
  [`x ${ask('a', false)} @5`, [`a ${answer(null, true)} @5`], keeps([6, 4], 'b')],
  ['1: x -←6 @7', [`b ${answer(null, false, 7)} @7`], keeps(null, 'b')],
  ['1: x - @8', []],
  [`x ${ask('b', false)} @9`, [`b ${answer(null, true)} @9`], []],
  ['1: y 1 @10', [], ['rows 0 y {"value":1,"timestamp":10}']],
  ['1: y - @11', [], []],
])
