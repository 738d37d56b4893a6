/**
 * The fields of a structure as one version has them: what decoder and encoder are made from.
 *
 * A structure is its fields, one after the other. In a flexible version tagged fields follow: their count,
 * then tag, size and value of each, in the order of their tags.
 */
import { unreachable } from '../../base/index.ts'
import { isVersionIn, type Field, type ScalarType } from '../definition.ts'

/** Any value of a field; its definition says which. */
export type Value = unknown
export type Struct = Record<string, Value>

/** A field of one version. */
export interface PlannedField {
  readonly name: string
  readonly kind: 'scalar' | 'array' | 'struct'
  /** The type of the value, or of the items of an array; undefined if these are structures. */
  readonly type: ScalarType | undefined
  /** The fields of the structure, or of the items of an array. */
  readonly fields: StructPlan | undefined
  readonly isNullable: boolean
  readonly default: Value
  readonly tag: number | undefined
  /** The least bytes that it takes. */
  readonly bytesMin: number
}

/** A structure of one version. */
export interface StructPlan {
  readonly isFlexible: boolean
  /** Its fields without a tag. */
  readonly fields: readonly PlannedField[]
  /** By their tags, ascending. */
  readonly tagged: readonly PlannedField[]
  /** Every field of any version at its default, in the order of the definition. */
  readonly template: Struct
  /** The least bytes that it takes. */
  readonly bytesMin: number
}

export const zeroUuid = 'AAAAAAAAAAAAAAAAAAAAAA'
const emptyArray: readonly Value[] = Object.freeze([])
const emptyBytes: Buffer = Buffer.alloc(0)

/** The values of fields that say no default. */
const zeros: Readonly<Record<ScalarType, Value>> = {
  bool: false,
  int8: 0,
  int16: 0,
  int32: 0,
  int64: 0,
  string: '',
  uuid: zeroUuid,
  bytes: emptyBytes,
  records: null,
  tagBytes: emptyBytes,
}

export function planStruct(fields: readonly Field[], version: number, isFlexible: boolean): StructPlan {
  const planned = fields
    .filter(field => isVersionIn(version, field.versions ?? '0+'))
    .map(field => planField(field, version, isFlexible))
  const untagged = planned.filter(({ tag }) => tag === undefined)
  const tagged = planned.filter(({ tag }) => tag !== undefined).sort((a, b) => a.tag! - b.tag!)
  return {
    isFlexible,
    fields: untagged,
    tagged,
    template: templateOf(fields),
    bytesMin: untagged.reduce((sum, { bytesMin }) => sum + bytesMin, isFlexible ? 1 : 0),
  }
}

function planField(field: Field, version: number, isFlexible: boolean): PlannedField {
  const isNullable = isVersionIn(version, field.nullable ?? 'none')
  const common = { name: field.name, isNullable, default: defaultOf(field), tag: field.tag }
  if ('type' in field) {
    const { type } = field
    return { ...common, kind: 'scalar', type, fields: undefined, bytesMin: scalarBytesMin(type, isFlexible) }
  }
  if ('array' in field) {
    const { array } = field
    const bytesMin = isFlexible ? 1 : 4
    return typeof array === 'string'
      ? { ...common, kind: 'array', type: array, fields: undefined, bytesMin }
      : {
          ...common,
          kind: 'array',
          type: undefined,
          fields: planStruct(array, version, isFlexible),
          bytesMin,
        }
  }
  const plan = planStruct(field.struct, version, isFlexible)
  return {
    ...common,
    kind: 'struct',
    type: undefined,
    fields: plan,
    bytesMin: isNullable ? 1 : plan.bytesMin,
  }
}

/** The least bytes that a value of the type takes. */
export function scalarBytesMin(type: ScalarType, isFlexible: boolean): number {
  switch (type) {
    case 'bool':
    case 'int8':
      return 1
    case 'int16':
      return 2
    case 'int32':
      return 4
    case 'int64':
      return 8
    case 'uuid':
      return 16
    case 'string':
      return isFlexible ? 1 : 2
    case 'bytes':
    case 'records':
      return isFlexible ? 1 : 4
    case 'tagBytes':
      return 0
    default:
      return unreachable(type)
  }
}

/** What a field is where a message lacks it. Shared by all messages, so arrays and structures are frozen. */
function defaultOf(field: Field): Value {
  if (field.default !== undefined) return field.default
  if ('type' in field) return zeros[field.type]
  return 'array' in field ? emptyArray : Object.freeze({ ...templateOf(field.struct) })
}

/**
 * Decoded structures are copies of it. The values go in over a placeholder: so the engine expects no
 * particular kind of value in a field, and the shape of the copies never changes.
 */
function templateOf(fields: readonly Field[]): Struct {
  const template: Struct = {}
  for (const { name } of fields) template[name] = emptyArray
  for (const field of fields) template[field.name] = defaultOf(field)
  return template
}
