/**
 * Encodes the keys of a stream as bytes, which identify a key in state and decide its partition.
 *
 * A stream that comes from a topic keeps the topic's own form, so that it is partitioned as the topic is. A
 * key that the program made (selectKey, groupBy) is JSON, in which `"1"` and `1` differ; a join encodes it in
 * the form of the table.
 */
import { binaryString, inWords, MillraceError, utf8OfBinary, wholeNumberOf } from '../../base/index.ts'
import type { Codec, Windowed } from '../../schema/index.ts'
import { canonicalJson, Malformed, type Slices, windowedForm, windowedJson } from '../../schema/index.ts'
import type { StreamRecord } from './record.ts'

export interface KeyCodec {
  /**
   * The name of the encoding. Equal keys in one form have equal bytes and equal partition numbers; in two
   * forms they have neither.
   */
  readonly form: string
  /** The key's bytes, as a binary string: one char per byte. */
  encode(key: unknown): string
  decode(raw: string): unknown
  /**
   * The bytes that decide the partition, if not the key's own: for a windowed key, those of the inner key.
   */
  partitionBy?(key: unknown): string
}

/** Keys whose JSON is cached; a full cache is cleared. */
const keptMax = 4096
/** Longer keys are not cached. */
const keptLengthMax = 64
/**
 * The JSON of short strings: most keys that programs make are short strings. Each call returns the same
 * string, whose hash is computed already for the lookup in state. With 100 keys, encode and lookup together
 * take 40 ns instead of 200.
 */
const kept = new Map<string, string>()

/** The form of a key that the program made: JSON. */
export const jsonKeyCodec: KeyCodec = {
  form: 'json',
  encode(key) {
    if (typeof key === 'string' && key.length <= keptLengthMax) {
      const known = kept.get(key)
      if (known !== undefined) return known
      if (kept.size >= keptMax) kept.clear()
      const encoded = binaryString(JSON.stringify(key))
      kept.set(key, encoded)
      return encoded
    }
    if (typeof key === 'number' && Number.isFinite(key)) return `${key}`
    // Canonical: equal keys have equal bytes, whatever the order of their properties.
    const text = key === undefined || typeof key === 'function' ? undefined : canonicalJson(key)
    if (typeof text !== 'string')
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `A key must be something that JSON can write; got ${typeof key}. Return a string, a number or a plain object.`,
      )
    return binaryString(text)
  },
  decode(raw) {
    const whole = wholeNumberOf(raw)
    return whole >= 0 ? whole : JSON.parse(utf8OfBinary(raw))
  },
}

/** The form that a topic's keys have on the log. */
export function topicKeyCodec(codec: Codec<unknown, unknown>): KeyCodec {
  // Not the codec's own encode: most keys encoded here were read, and so validated, before. Others a program
  // made, for a join.
  const { serde } = codec
  const slices: Slices = {
    bytes: new Uint8Array(0),
    count: 1,
    starts: new Int32Array(1),
    ends: new Int32Array(1),
  }
  const into: unknown[] = []
  // Most keys are whole numbers, which JSON writes as their digits: these need no serde.
  const isJson = serde.name === 'json'
  return {
    form: serde.name,
    encode(key) {
      if (isJson && Number.isSafeInteger(key)) return `${key as number}`
      try {
        return binaryOf(serde.encode(key))
      } catch (error) {
        throw new MillraceError(
          'INVALID_ARGUMENT',
          `${inWords(key)} cannot be the ${codec.where} (${(error as Error).message}). ` +
            'A key that the program makes to meet it, for a join say, must be as the topic has them on the log. ' +
            'A key that was read, and that the schema transforms, is grouped by what it has become: groupBy((_, key) => key).',
          { cause: error },
        )
      }
    },
    ...(codec.partitionBytes && { partitionBy: (key: unknown) => binaryOf(codec.partitionBytes!(key)) }),
    decode(raw) {
      const whole = isJson ? wholeNumberOf(raw) : -1
      if (whole >= 0) return whole
      slices.bytes = Buffer.from(raw, 'latin1')
      slices.ends[0] = raw.length
      serde.decode(slices, into)
      const key = into[0]
      if (key instanceof Malformed)
        throw new MillraceError(
          'STATE_INCOMPATIBLE',
          `A key in the state is not a ${codec.where} any more: ${key.reason}. Was the schema changed? Start from scratch with { restart: true }.`,
        )
      return key
    },
  }
}

/**
 * The form of a window's keys in state: the same as `windowed()` writes to the log. A windowed key is in the
 * partition of its inner key.
 */
export function windowedKeyCodec(inner: KeyCodec): KeyCodec {
  return {
    form: windowedForm(inner.form),
    encode: key => binaryString(windowedJson(key as Windowed<unknown>)),
    decode: raw => JSON.parse(utf8OfBinary(raw)),
    partitionBy: key => inner.encode((key as Windowed<unknown>).key),
  }
}

function binaryOf(encoded: string | Uint8Array): string {
  return typeof encoded === 'string'
    ? binaryString(encoded)
    : Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length).latin1Slice()
}

/** The bytes of a record's key, computed once for all operators. */
export function rawKeyOf(record: StreamRecord, codec: KeyCodec): string {
  return (record.rawKey ??= codec.encode(record.key))
}
