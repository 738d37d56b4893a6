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
  /** Fields that the version lacks, and whose values a sender must not lose, with their defaults. */
  readonly lacking: readonly Pick<PlannedField, 'name' | 'default'>[]
  /** Every field of any version at its default, in the order of the definition. */
  readonly template: Struct
  /** Makes an empty structure, to which all fields are added in the order of the template. */
  readonly Shape: Shape
  /** The least bytes that it takes. */
  readonly bytesMin: number
}

/** The constructor of structures with the same fields. */
export type Shape = new () => Struct

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
  const lacking = fields
    .filter(field => !field.ignorable && !isVersionIn(version, field.versions ?? '0+'))
    .map(field => ({ name: field.name, default: defaultOf(field) }))
  return {
    isFlexible,
    fields: untagged,
    tagged,
    lacking,
    template: templateOf(fields),
    Shape: shapeOf(fields),
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

function templateOf(fields: readonly Field[]): Struct {
  return Object.fromEntries(fields.map(field => [field.name, defaultOf(field)]))
}

const shapes = new Map<readonly Field[], Shape>()

/**
 * Structures with the same fields have a constructor, so that the engine gives them one hidden class, with
 * room for their fields, in every version. Adding the fields to such an object takes half the time of copying
 * a template, which is fast only where all copies have one shape.
 */
function shapeOf(fields: readonly Field[]): Shape {
  const known = shapes.get(fields)
  if (known !== undefined) return known
  // A class would have its own prototype, but decoded structures are plain objects.
  const make = function (): void {}
  make.prototype = Object.prototype
  const Shape = make as unknown as Shape
  const first = new Shape()
  // An object in each field, then a number: so the engine expects no particular kind of value there.
  for (const { name } of fields) first[name] = emptyArray
  for (const { name } of fields) first[name] = 0
  shapes.set(fields, Shape)
  return Shape
}
