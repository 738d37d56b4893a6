/** A program's values in messages: never `[object Object]`, never a page of text, and never another error. */

const textMax = 60

/** A value as a message shows it: short, and in one line. */
export function inWords(value: unknown): string {
  if (typeof value === 'string') return `'${short(value)}'`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'symbol') return 'a symbol'
  if (typeof value === 'bigint') return `the bigint ${short(String(value))}n`
  if (typeof value !== 'object' || value === null) return Object.is(value, -0) ? '-0' : String(value)
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array'
  const name: unknown = Object.getPrototypeOf(value)?.constructor?.name
  if (typeof name === 'string' && name !== '' && name !== 'Object') return `a ${short(name)}`
  return `an object with ${short(Object.keys(value).join(', ')) || 'nothing in it'}`
}

/** The text, cut off where it is too long for a message. */
export function short(text: string): string {
  return text.length > textMax ? `${text.slice(0, textMax)}…` : text
}

/** What a function threw, which need not be an error. */
export function thrownInWords(thrown: unknown): string {
  return shown(() => (thrown instanceof Error ? String(thrown) : inWords(thrown)))
}

/** The message of an error, and anything else that was thrown in words. */
export function messageOf(thrown: unknown): string {
  return shown(() => (thrown instanceof Error ? thrown.message : inWords(thrown)))
}

/** Reading a thrown value may throw: a getter, a proxy. */
function shown(words: () => unknown): string {
  try {
    return String(words())
  } catch {
    return 'something that cannot be shown'
  }
}
