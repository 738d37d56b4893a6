/**
 * Decodes the JSON of a batch of records: by readers compiled for the shapes that the records have, or by the
 * parser of JavaScript.
 *
 * The parser takes an `utf8Slice` and a `JSON.parse` for each record; nine tenths of the time is the
 * parser's. What reads the same in latin-1, one string for a batch or one parse for a batch win less than a
 * tenth each.
 */
import { bufferOf, wholeNumberAt } from '../base/index.ts'
import type { Numbers } from './codec.ts'
import { parseJson } from './json-numbers.ts'
import { JsonCursor } from './json-scalar.ts'
import { JsonShapes } from './json-shapes.ts'
import { Malformed, type Serde } from './serde.ts'
import { textOf } from './utf8-text.ts'

/** In smaller batches the parser is as fast. */
const batchMin = 4

/** A decoder for one topic: it learns which shapes the records have. */
export function jsonDecoder(numbers: Numbers): Serde<unknown>['decode'] {
  const shapes = new JsonShapes()
  const isLossy = numbers === 'lossy'
  return (slices, into) => {
    const { count, starts, ends } = slices
    const buffer = bufferOf(slices.bytes)
    const cursor = count >= batchMin && shapes.begin(count) ? new JsonCursor(buffer, isLossy) : undefined
    for (let i = 0; i < count; i += 1) {
      const start = starts[i]!
      const end = ends[i]!
      if (start < 0) into[i] = null
      else {
        const whole = wholeNumberAt(buffer, start, end)
        into[i] = whole >= 0 ? whole : cursor ? read(cursor, start, end) : parse(buffer, start, end)
      }
    }
  }

  function read(cursor: JsonCursor, start: number, end: number): unknown {
    cursor.open(start, end)
    const value = shapes.read(cursor)
    if (value !== undefined) return value
    const parsed = parse(cursor.bytes, start, end)
    if (!(parsed instanceof Malformed)) shapes.missed(cursor)
    return parsed
  }

  function parse(buffer: Buffer, start: number, end: number): unknown {
    const text = textOf(buffer, start, end)
    if (typeof text !== 'string') return text
    try {
      return isLossy ? JSON.parse(text) : parseJson(text)
    } catch (error) {
      const { message } = error as Error
      return new Malformed(error instanceof SyntaxError ? `not JSON: ${message}` : message)
    }
  }
}
