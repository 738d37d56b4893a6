/**
 * Encoders of structures, made once per message and version, with a closure per field. A value that is left
 * out is written as its default. A value that the version has no field for is not written; an encoder of
 * requests refuses it, unless the definition says that it is ignorable.
 */
import { unreachable } from '../../base/index.ts'
import type { ScalarType } from '../definition.ts'
import type { PlannedField, Struct, StructPlan, Value } from './field-plan.ts'
import type { MessageWriter } from './message-writer.ts'

type Write = (to: MessageWriter, value: Value) => void

/** Encodes one structure at the end of what was written. */
export type StructEncoder = (to: MessageWriter, value: Struct) => void

export function structEncoder(plan: StructPlan, isRequest: boolean): StructEncoder {
  const { isFlexible } = plan
  const steps = plan.fields.map(field => stepOf(field, isFlexible, isRequest))
  const writeTags = isFlexible ? tagsWriter(plan, isRequest) : undefined
  const lacking = isRequest ? plan.lacking : []
  return (to, struct) => {
    for (const { name, default: normal } of lacking)
      if (!isDefault(struct[name], normal))
        throw to.unencodable(`this version has no '${name}', which must not be ignored`)
    for (let n = 0; n < steps.length; n += 1) {
      const step = steps[n]!
      writeField(to, step, struct[step.name])
    }
    if (writeTags !== undefined) writeTags(to, struct)
  }
}

/** How a field is written. */
interface Step {
  readonly name: string
  readonly normal: Value
  readonly write: Write
  /** Undefined: it must not be null. */
  readonly writeNull: ((to: MessageWriter) => void) | undefined
}

function stepOf(field: PlannedField, isFlexible: boolean, isRequest: boolean): Step {
  return {
    name: field.name,
    normal: field.default,
    write: valueWriter(field, isFlexible, isRequest),
    writeNull: field.isNullable ? nullWriter(field, isFlexible) : undefined,
  }
}

function writeField(to: MessageWriter, step: Step, given: Value): void {
  const value = given === undefined ? step.normal : given
  if (value !== null) step.write(to, value)
  else if (step.writeNull !== undefined) step.writeNull(to)
  else throw to.unencodable(`'${step.name}' must not be null`)
}

/** Tagged fields are written if they differ from their default. */
function tagsWriter(plan: StructPlan, isRequest: boolean): StructEncoder {
  if (plan.tagged.length === 0) return to => to.int8(0)
  const fields = plan.tagged.map(field => ({ tag: field.tag!, step: stepOf(field, true, isRequest) }))
  return (to, struct) => {
    let count = 0
    for (const { step } of fields) if (!isDefault(struct[step.name], step.normal)) count += 1
    to.unsignedVarint(count)
    if (count === 0) return
    for (const { tag, step } of fields) {
      const value = struct[step.name]
      if (isDefault(value, step.normal)) continue
      to.unsignedVarint(tag)
      const begun = to.beginSized()
      writeField(to, step, value)
      to.endSized(begun)
    }
  }
}

/** Whether a value is the default of its field; a value that is left out is. */
function isDefault(value: Value, normal: Value): boolean {
  if (value === undefined || value === normal) return true
  if (typeof value !== 'object' || value === null || normal === null) return false
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length === 0
  return Object.entries(value).every(([name, each]) => isDefault(each, (normal as Struct)[name]))
}

function valueWriter(field: PlannedField, isFlexible: boolean, isRequest: boolean): Write {
  if (field.kind === 'scalar') return scalarWriter(field.type!, isFlexible)
  if (field.kind === 'array') return arrayWriter(field, isFlexible, isRequest)
  const write = structEncoder(field.fields!, isRequest)
  if (!field.isNullable) return (to, value) => write(to, value as Struct)
  return (to, value) => {
    to.int8(1)
    write(to, value as Struct)
  }
}

/** How null is written: as a length of -1; of a structure, as -1 in the byte in front of it. */
function nullWriter({ kind, type }: PlannedField, isFlexible: boolean): (to: MessageWriter) => void {
  if (kind === 'struct') return to => to.int8(-1)
  if (isFlexible) return to => to.int8(0)
  return kind === 'scalar' && type === 'string' ? to => to.int16(-1) : to => to.int32(-1)
}

function arrayWriter({ type, fields }: PlannedField, isFlexible: boolean, isRequest: boolean): Write {
  const writeItem =
    type === undefined ? (structEncoder(fields!, isRequest) as Write) : scalarWriter(type, isFlexible)
  return (to, value) => {
    const items = value as readonly Value[]
    if (isFlexible) to.unsignedVarint(items.length + 1)
    else to.int32(items.length)
    for (let n = 0; n < items.length; n += 1) writeItem(to, items[n])
  }
}

function scalarWriter(type: ScalarType, isFlexible: boolean): Write {
  switch (type) {
    case 'bool':
      return (to, value) => to.bool(value as boolean)
    case 'int8':
      return (to, value) => to.int8(value as number)
    case 'int16':
      return (to, value) => to.int16(value as number)
    case 'int32':
      return (to, value) => to.int32(value as number)
    case 'int64':
      return (to, value) => to.int64(value as number)
    case 'uuid':
      return (to, value) => to.uuid(value as string)
    case 'string':
      return isFlexible
        ? (to, value) => to.compactString(value as string)
        : (to, value) => to.string(value as string)
    case 'bytes':
      return (to, value) => {
        writeLength(to, (value as Uint8Array).length, isFlexible)
        to.raw(value as Uint8Array)
      }
    case 'records':
      return (to, value) => {
        writeLength(to, (value as Uint8Array).length, isFlexible)
        to.records(value as Uint8Array)
      }
    case 'tagBytes':
      return (to, value) => to.raw(value as Uint8Array)
    default:
      return unreachable(type)
  }
}

function writeLength(to: MessageWriter, length: number, isFlexible: boolean): void {
  if (isFlexible) to.unsignedVarint(length + 1)
  else to.int32(length)
}
