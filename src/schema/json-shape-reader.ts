/**
 * Readers that are compiled for one shape: they compare the bytes between the scalars, four at once, and make
 * the value with its own constructors.
 *
 * As the parser's, the objects are plain, and begin in the young generation of the heap. Those of an object
 * literal would go to the old one at once and for ever, with all that they refer to, where V8 has seen some
 * that lived long: as garbage, they keep alive a third of what comes after.
 */
import { type JsonCursor, readScalar } from './json-scalar.ts'
import type { JsonShape } from './json-shape.ts'

/** The value of the record that the cursor is at; undefined if the record has another shape. */
export type ShapeReader = (cursor: JsonCursor) => unknown

/** By their code: the next run of an app has other codecs for the same records. */
const compiled = new Map<string, ShapeReader>()
/** More are not kept. */
const compiledMax = 256

/** Undefined where code may not be made from text (`--disallow-code-generation-from-strings`). */
export function shapeReader({ literals, objects, expression }: JsonShape): ShapeReader | undefined {
  // An assignment would meet what they are there.
  if (objects.flat().some(name => name in Object.prototype)) return undefined
  const last = literals.length - 1
  const code = `${objects.map(constructorOf).join('\n')}
  return cursor => {
    const { bytes, view, end } = cursor
    let at = cursor.at
    ${literals
      .map((literal, n) =>
        n < last
          ? `if (at > end - ${literal.length}${differs(literal)}) return undefined
    cursor.at = at + ${literal.length}
    const v${n} = readScalar(cursor)
    if (v${n} === undefined) return undefined
    at = cursor.at`
          : `if (at !== end - ${literal.length}${differs(literal)}) return undefined`,
      )
      .join('\n')}
    return ${expression}
  }`
  const known = compiled.get(code)
  if (known) return known
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- of the text only names enter, as JSON strings
    const reader = new Function('readScalar', code)(readScalar) as ShapeReader
    if (compiled.size >= compiledMax) compiled.clear()
    compiled.set(code, reader)
    return reader
  } catch {
    return undefined
  }
}

/** The code of a constructor of plain objects with such properties. */
function constructorOf(names: readonly string[], n: number): string {
  const values = names.map((_, index) => `a${index}`)
  return `function Object${n}(${values.join()}) {
    ${names.map((name, index) => `this[${JSON.stringify(name)}] = ${values[index]}`).join('\n')}
  }
  Object${n}.prototype = Object.prototype`
}

/** A condition for each piece of the literal. */
function differs(literal: Buffer): string {
  let code = ''
  let at = 0
  for (; at + 4 <= literal.length; at += 4)
    code += ` || view.getInt32(at + ${at}, true) !== ${literal.readInt32LE(at)}`
  for (; at < literal.length; at += 1) code += ` || bytes[at + ${at}] !== ${literal[at]}`
  return code
}
