/**
 * Splits valid JSON as text. Numbers, spaces, escapes and duplicate names, which a parser would change, stay
 * as they are written.
 */

const quote = 34
const comma = 44
const backslash = 92

/** The position of the closing quote of the string that opens at `start`. */
export function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
  return end
}

function isEscaped(text: string, at: number): boolean {
  let backslashes = 0
  while (text.charCodeAt(at - 1 - backslashes) === backslash) backslashes += 1
  return backslashes % 2 === 1
}

/** The texts of an array's elements, or of an object's members with their names. */
export function elementsOf(text: string): string[] {
  const elements: string[] = []
  let depth = 0
  let start = 0
  const end = (at: number): void => {
    const element = text.slice(start, at).trim()
    if (element !== '') elements.push(element)
    start = at + 1
  }
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at)
    else if (isOpening(code)) {
      depth += 1
      if (depth === 1) start = at + 1
    } else if (isClosing(code)) {
      if (depth === 1) end(at)
      depth -= 1
    } else if (code === comma && depth === 1) end(at)
  }
  return elements
}

/** The names of an object's members, and the texts of their values, in their order. */
export function membersOf(text: string): [name: string, text: string][] {
  return elementsOf(text).map(member => {
    const end = endOfString(member, 0) + 1
    const value = member.indexOf(':', end) + 1
    return [JSON.parse(member.slice(0, end)) as string, member.slice(value).trim()]
  })
}

/** `[` and `{`. */
function isOpening(code: number): boolean {
  return code === 91 || code === 123
}

/** `]` and `}`. */
function isClosing(code: number): boolean {
  return code === 93 || code === 125
}
