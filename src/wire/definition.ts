/**
 * What a definition of a message says: plain data, from which the types (message-types.ts) and the codecs
 * (codec/) derive. The vocabulary is that of Kafka's own definitions.
 *
 * Versions are text, as there: '3+', '0-12', '4' or 'none'.
 */

/** The types of single values. Big-endian; `string` and `bytes` have their length in front. */
export type ScalarType =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records'
  /** All bytes of a tagged field, whose tag says their length. */
  | 'tagBytes'

/** What every field may say, whatever it holds. */
interface FieldBase {
  /** Kafka's name, with a lower first letter. */
  readonly name: string
  /** The versions that have the field. Default: all of its structure. */
  readonly versions?: string
  /** The versions in which it may be null. Default: none. */
  readonly nullable?: string
  /** Its value where a message lacks it. Default: zero, empty, false. */
  readonly default?: number | string | boolean | null
  /**
   * In a request: whether its sender may do without it. A value for another field that the version lacks is
   * refused, since the receiver would do something else than was asked.
   */
  readonly ignorable?: boolean
  /** The tag of a tagged field (KIP-482): it is written only if it differs from its default. */
  readonly tag?: number
}

/** A field: one value, a list, or a structure. */
export type Field =
  | (FieldBase & { readonly type: ScalarType })
  | (FieldBase & { readonly array: ScalarType | readonly Field[] })
  | (FieldBase & { readonly struct: readonly Field[] })

/** A request of Kafka's protocol and the response to it. */
export interface Definition {
  /** The number of the request ("API key"). */
  readonly key: number
  readonly name: string
  /** The versions that millrace reads and writes. */
  readonly versions: string
  /** The versions with compact lengths and tagged fields (KIP-482). */
  readonly flexible: string
  readonly request: readonly Field[]
  readonly response: readonly Field[]
}

/** A structure beside the requests: in a record of an internal topic, or between members of a group. */
export interface Structure {
  readonly name: string
  /** The versions that millrace reads and writes. */
  readonly versions: string
  /** The versions with compact lengths and tagged fields (KIP-482). */
  readonly flexible: string
  readonly fields: readonly Field[]
}

/** The least and the largest version; if the least is larger, there is none. */
export interface Versions {
  readonly min: number
  readonly max: number
}

const parsed = new Map<string, Versions>()

/** Parses the text of versions. */
export function versionsOf(text: string): Versions {
  let versions = parsed.get(text)
  if (versions === undefined) {
    versions = parse(text)
    parsed.set(text, versions)
  }
  return versions
}

/** Whether `version` is one of those that the text names. */
export function isVersionIn(version: number, text: string): boolean {
  const { min, max } = versionsOf(text)
  return version >= min && version <= max
}

function parse(text: string): Versions {
  if (text === 'none') return { min: 1, max: 0 }
  const [from = '', to] = text.replace('+', '-Infinity').split('-')
  return { min: Number(from), max: Number(to ?? from) }
}
