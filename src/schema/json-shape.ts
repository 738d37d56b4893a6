/**
 * The shape of a JSON text: all of it but its scalars. Records that one program wrote mostly have the same
 * names in the same order with the same spaces, and differ only in their strings and numbers.
 */
import { endOfString } from '../base/index.ts'

export interface JsonShape {
  /** The bytes before each scalar, and those behind the last. */
  readonly literals: readonly Buffer[]
  /** The names of the properties of each object in it. */
  readonly objects: readonly (readonly string[])[]
  /**
   * The value as an expression of JavaScript, in which v0, v1, … are the scalars, and Object0, Object1, …
   * constructors that take the values of an object's properties.
   */
  readonly expression: string
}

/** An object whose end has not come. */
interface OpenObject {
  readonly names: string[]
  /** Where it begins in the expression. */
  readonly at: number
}

const space = /\s/
/** The characters behind a number, true, false or null. */
const endOfWord = /[\s,\]}]|$/g

/** Of valid JSON in UTF-8, given with one character a byte. */
export function jsonShapeOf(text: string): JsonShape {
  const literals: Buffer[] = []
  const objects: (readonly string[])[] = []
  const open: OpenObject[] = []
  let expression = ''
  let literalStart = 0
  let at = 0
  const bytes = (start: number, end: number): Buffer => Buffer.from(text.slice(start, end), 'latin1')
  const scalar = (end: number): void => {
    expression += `v${literals.length}`
    literals.push(bytes(literalStart, at))
    literalStart = end
    at = end
  }
  while (at < text.length) {
    const char = text[at]!
    if (char === '"') {
      const end = endOfString(text, at) + 1
      if (isName(text, end)) {
        open.at(-1)!.names.push(JSON.parse(bytes(at, end).utf8Slice()) as string)
        at = end
      } else scalar(end)
    } else if (char === '{') {
      open.push({ names: [], at: expression.length })
      at += 1
    } else if (char === '}') {
      const { names, at: start } = open.pop()!
      expression = `${expression.slice(0, start)}new Object${objects.length}(${expression.slice(start)})`
      objects.push(names)
      at += 1
    } else if (char === ':') at += 1
    else if ('[],'.includes(char)) {
      expression += char
      at += 1
    } else if (space.test(char)) at += 1
    else {
      endOfWord.lastIndex = at
      scalar(endOfWord.exec(text)!.index)
    }
  }
  return { expression, objects, literals: [...literals, bytes(literalStart, text.length)] }
}

/** Whether a colon follows. */
function isName(text: string, at: number): boolean {
  while (space.test(text[at] ?? '')) at += 1
  return text[at] === ':'
}
