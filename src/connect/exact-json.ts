/**
 * Reads JSON text of typed values exactly, or refuses it.
 *
 * Numbers are read as in records ({@link parseJson}). `JSON.parse` drops the first of two properties with one
 * name, which a map with a duplicate key has. DuckDB writes NaN and infinities as bare words, which are not
 * JSON.
 */
import { parseJson } from '../schema/index.ts'

/** Why a text was not read, in words that follow "holds": `NaN, which JSON does not have`. */
export class Inexact {
  readonly reason: string

  constructor(reason: string) {
    this.reason = reason
  }
}

/** The value of a JSON text; {@link Inexact} if JavaScript would change it, or the text is not JSON. */
export function parseExactly(text: string): unknown {
  try {
    const value = parseJson(text)
    return text.includes(':') && namesIn(text) !== namesOf(value)
      ? new Inexact(`${short(text)}, in which an object has one name twice`)
      : value
  } catch (error) {
    const { message } = error as Error
    if (error instanceof RangeError) return new Inexact(`${short(text)}: ${message.replace(/\.$/, '')}`)
    const word = /(?<=^|[[,:])-?(?:NaN|Infinity)(?=$|[\],}])/.exec(text.replaceAll(texts, '""'))?.[0]
    return new Inexact(
      word === undefined ? `${short(text)}, which is not JSON` : `${word}, which JSON does not have`,
    )
  }
}

const texts = /"(?:[^"\\]|\\.)*"/g
const names = /"(?:[^"\\]|\\.)*"\s*:/g

const namesIn = (text: string): number => text.match(names)?.length ?? 0

/** The number of a value's properties, at every depth. */
function namesOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const parts: unknown[] = Object.values(value)
  let count = Array.isArray(value) ? 0 : parts.length
  for (const part of parts) if (typeof part === 'object') count += namesOf(part)
  return count
}

const short = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text)
