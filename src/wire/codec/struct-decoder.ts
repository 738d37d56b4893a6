/**
 * Decoders of structures, made once per message and version, with a closure per field. All fields of the
 * definition are set in its order, so that a structure has one shape in all versions.
 */
import { unreachable } from '../../base/index.ts'
import type { ScalarType } from '../definition.ts'
import { scalarBytesMin, type PlannedField, type Struct, type StructPlan, type Value } from './field-plan.ts'
import type { MessageReader } from './message-reader.ts'

type Read = (from: MessageReader) => Value

/** Decodes one structure at the position of the reader. */
export type StructDecoder = (from: MessageReader) => Struct

export function structDecoder(plan: StructPlan): StructDecoder {
  const { Shape, template, isFlexible } = plan
  const reads = new Map(plan.fields.map(field => [field.name, readOf(field, isFlexible)]))
  const steps = Object.entries(template).map(([name, normal]) => ({ name, normal, read: reads.get(name) }))
  const readTags = isFlexible ? tagsReader(plan) : undefined
  return from => {
    const value = new Shape()
    for (let n = 0; n < steps.length; n += 1) {
      const { name, normal, read } = steps[n]!
      // Also what the version lacks, so that the shape is the same, and what may follow as a tagged field.
      value[name] = read === undefined ? normal : read(from)
    }
    if (readTags !== undefined) readTags(from, value)
    return value
  }
}

/** Reads tagged fields: those that the version does not know are skipped. */
function tagsReader(plan: StructPlan): (from: MessageReader, into: Struct) => void {
  const known = new Map(plan.tagged.map(field => [field.tag, { name: field.name, read: tagReader(field) }]))
  return (from, into) => {
    for (let count = from.unsignedVarint(); count > 0; count -= 1) {
      const tag = from.unsignedVarint()
      const size = from.unsignedVarint()
      const end = from.at + size
      const field = known.get(tag)
      if (field === undefined) from.skip(size)
      else into[field.name] = field.read(from, size)
      if (from.at !== end) throw from.invalid(`is not where tagged field ${tag} ends, by its size`)
    }
  }
}

function tagReader(field: PlannedField): (from: MessageReader, size: number) => Value {
  return field.type === 'tagBytes' ? (from, size) => from.raw(size) : readOf(field, true)
}

function readOf(field: PlannedField, isFlexible: boolean): Read {
  if (field.kind === 'array') return arrayReader(field, isFlexible)
  if (field.kind === 'scalar') return scalarReader(field.type!, field, isFlexible)
  const read = structDecoder(field.fields!)
  if (!field.isNullable) return read
  return from => (from.int8() < 0 ? null : read(from))
}

function arrayReader(field: PlannedField, isFlexible: boolean): Read {
  const { type, fields } = field
  const empty = field.default ?? Object.freeze([])
  // A null among the items has no place in Kafka's protocol.
  const readItem: Read =
    type === undefined
      ? structDecoder(fields!)
      : scalarReader(type, { name: field.name, isNullable: false }, isFlexible)
  const bytesMin = type === undefined ? fields!.bytesMin : scalarBytesMin(type, isFlexible)
  const itemBytesMin = Math.max(1, bytesMin)
  const countOf = lengthReader(field, isFlexible ? varintLength : int32Length)
  return from => {
    const count = countOf(from)
    if (count <= 0) return count < 0 ? null : empty
    // Nothing is allocated for a count that the rest cannot hold.
    if (count * itemBytesMin > from.bytesLeft)
      throw from.invalid(`follows a count of ${count} items, more than the rest can hold`)
    from.takeItems(count)
    const items: Value[] = []
    for (let n = 0; n < count; n += 1) items.push(readItem(from))
    return items
  }
}

type Nullable = Pick<PlannedField, 'name' | 'isNullable'>

function scalarReader(type: ScalarType, field: Nullable, isFlexible: boolean): Read {
  switch (type) {
    case 'bool':
      return from => from.int8() !== 0
    case 'int8':
      return from => from.int8()
    case 'int16':
      return from => from.int16()
    case 'int32':
      return from => from.int32()
    case 'int64':
      return from => from.int64()
    case 'uuid':
      return from => from.uuid()
    case 'string': {
      const lengthOf = lengthReader(field, isFlexible ? varintLength : int16Length)
      return from => {
        const length = lengthOf(from)
        return length < 0 ? null : from.text(length)
      }
    }
    case 'bytes':
    case 'records': {
      const lengthOf = lengthReader(field, isFlexible ? varintLength : int32Length)
      return from => {
        const length = lengthOf(from)
        return length < 0 ? null : from.raw(length)
      }
    }
    case 'tagBytes':
      throw new Error(`millrace: '${field.name}' must be a tagged field`)
    default:
      return unreachable(type)
  }
}

const varintLength = (from: MessageReader): number => from.unsignedVarint() - 1
const int16Length = (from: MessageReader): number => from.int16()
const int32Length = (from: MessageReader): number => from.int32()

/** Lengths and counts: -1 is null, where the field may be null. */
function lengthReader(
  { name, isNullable }: Nullable,
  read: (from: MessageReader) => number,
): (from: MessageReader) => number {
  const min = isNullable ? -1 : 0
  return from => {
    const length = read(from)
    if (length >= min) return length
    throw from.invalid(
      length === -1 ? `follows a null '${name}'` : `follows a length of ${length} for '${name}'`,
    )
  }
}
