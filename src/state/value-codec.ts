/**
 * The binary format of state values: compact, and exact for JavaScript values that JSON and MessagePack
 * change.
 *
 * A value is a tag and its content; integers are little-endian base-128 varints:
 *
 *     0x00 undefined   0x01 null   0x02 false   0x03 true
 *     0x04 integer     zigzag varint, any safe integer but -0
 *     0x05 number      float64, little-endian
 *     0x06 latin1      varint length, one byte per char
 *     0x07 utf16       varint length in bytes, two bytes per char (lone surrogates included)
 *     0x08 bigint      latin1 string of its decimal digits, tagged
 *     0x09 Date        float64, ms since the epoch or NaN
 *     0x0a Array       varint count, values
 *     0x0b object      key string, value, …, 0x0f
 *     0x0c Map         varint count, key, value, …
 *     0x0d Set         varint count, values
 *     0x0e binary      kind byte, varint length in bytes, bytes
 *     0x0f end of object
 *     0x40–0x7f        latin1 string of 0 to 63 chars
 *     0x80–0xff        integers 0 to 127
 *
 * Carried exactly: undefined, null, booleans, numbers (NaN, ±Infinity and -0 too), strings, bigints, Date,
 * plain objects, arrays (holes become undefined), Map, Set, ArrayBuffer and typed arrays. All other values
 * are refused, as they would be read back as something else.
 */
import { bufferOf, MillraceError } from '../base/index.ts'
import { readValue } from './value-reader.ts'
import { Unfit, writeValue } from './value-writer.ts'

/**
 * Turns the values of a state into bytes and back.
 *
 * `encode` throws INVALID_ARGUMENT for a value that it cannot carry; its result is a view of a larger buffer.
 * `decode` throws for bytes that `encode` did not write.
 */
export const valueCodec: { encode(value: unknown): Uint8Array; decode(bytes: Uint8Array): unknown } = {
  encode(value) {
    try {
      return writeValue(value)
    } catch (error) {
      if (!(error instanceof Unfit)) throw error
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `State can hold plain objects, arrays, Map, Set, Date, typed arrays and plain values, but not ${error.message}.`,
        { cause: error },
      )
    }
  },
  decode: bytes => readValue(bufferOf(bytes), 0, bytes.length),
}
