/**
 * Encodes and decodes the structures beside the requests: records of internal topics, what members of a group
 * tell each other. Nearly all begin with their version, an int16.
 */
import { bufferOf } from '../../base/index.ts'
import type { Structure } from '../definition.ts'
import type { Decoded, Encodable } from '../message-types.ts'
import { codecOf } from './message-codec.ts'
import { MessageReader } from './message-reader.ts'
import { MessageWriter } from './message-writer.ts'

/**
 * Reads the structures in `bytes`, from the first byte. It throws CORRUPT_BATCH for damaged ones.
 *
 * @param what what the bytes are, for errors: 'a committed offset'
 */
export function structureReader(bytes: Uint8Array, what: string): MessageReader {
  return new MessageReader(bufferOf(bytes), 0, what, 'CORRUPT_BATCH')
}

/**
 * Reads a structure after its version, which the caller has read and may have replaced. What follows the
 * structure is left to the caller. Bytes are views.
 *
 * @throws MillraceError CORRUPT_BATCH, or UNSUPPORTED_FORMAT for a version that the structure lacks.
 */
export function readStructure<S extends Structure>(
  structure: S,
  version: number,
  from: MessageReader,
): Decoded<S['fields']> {
  return codecOf(structure, structure.fields, 'structure', version).decode(from) as Decoded<S['fields']>
}

/**
 * A structure with its version in front.
 *
 * @throws MillraceError INVALID_ARGUMENT if a value does not fit its field.
 */
export function encodeVersioned<S extends Structure>(
  structure: S,
  version: number,
  value: Encodable<S['fields']>,
): Uint8Array {
  const to = writerOf(structure)
  to.int16(version)
  return finish(structure, version, value, to)
}

/**
 * A structure without a version in front.
 *
 * @throws MillraceError INVALID_ARGUMENT if a value does not fit its field.
 */
export function encodeStructure<S extends Structure>(
  structure: S,
  version: number,
  value: Encodable<S['fields']>,
): Uint8Array {
  return finish(structure, version, value, writerOf(structure))
}

function writerOf({ name }: Structure): MessageWriter {
  return new MessageWriter(`a structure ${name}`)
}

function finish<S extends Structure>(
  structure: S,
  version: number,
  value: Encodable<S['fields']>,
  to: MessageWriter,
): Uint8Array {
  codecOf(structure, structure.fields, 'structure', version).encode(to, value)
  // Only records become a second part, and a structure has none.
  return to.finish()[0]!
}
