/**
 * Kafka's own definitions of its messages, out of its jars, and ours, in one form that can be compared: for
 * each version the fields that a message has, as rows.
 */
import { isVersionIn, versionsOf, type Field } from '../../src/wire/definition.ts'
import { java } from './java.ts'

/** A field as one version has it: what must be equal for equal bytes. */
export interface FieldRow {
  /** With the names of the structures around it. */
  readonly path: string
  /** A scalar type or `struct`, after `[]` for an array. */
  readonly type: string
  readonly isNullable: boolean
  readonly default: number | string | boolean | null
  readonly tag: number | undefined
}

/** A message or another structure in Kafka's form. */
export interface KafkaDefinition {
  /** `request`, `response`, `data`, `coordinator-key` or `coordinator-value`. */
  readonly type: string
  readonly apiKey?: number
  readonly name: string
  readonly validVersions: string
  readonly flexibleVersions: string
  readonly latestVersionUnstable?: boolean
  readonly fields: readonly KafkaField[]
  readonly commonStructs?: readonly { readonly name: string; readonly fields: readonly KafkaField[] }[]
}

interface KafkaField {
  readonly name: string
  readonly type: string
  readonly versions?: string
  readonly nullableVersions?: string
  readonly taggedVersions?: string
  readonly flexibleVersions?: string
  readonly ignorable?: boolean
  readonly tag?: number
  readonly default?: string | number | boolean | null
  readonly fields?: readonly KafkaField[]
}

/** The definitions of these names, in their order. */
export async function kafkaDefinitions(names: readonly string[]): Promise<readonly KafkaDefinition[]> {
  const texts = (await java('test/peers/java/Messages.java', ['definitions', ...names])).split('\n\f\n')
  return names.map((_, index) => JSON.parse(texts[index]!.replaceAll(/^\s*\/\/.*$/gm, '')) as KafkaDefinition)
}

/** The stable versions, as text. */
export function stableVersions({ validVersions, latestVersionUnstable }: KafkaDefinition): string {
  const { min, max } = versionsOf(validVersions)
  const stableMax = latestVersionUnstable ? max - 1 : max
  return min === stableMax ? `${min}` : `${min}-${stableMax}`
}

const scalarTypes = /^(bool|u?int\d+|float64|string|uuid|bytes|records)$/

/** The fields of a version, by Kafka's definition. */
export function kafkaRows(definition: KafkaDefinition, version: number): readonly FieldRow[] {
  // A structure is defined once, and may be the type of several fields.
  const structs = new Map(definition.commonStructs?.map(({ name, fields }) => [name, fields]))
  const collect = (fields: readonly KafkaField[]): void => {
    for (const { type, fields: inner } of fields)
      if (inner) {
        structs.set(type.replace('[]', ''), inner)
        collect(inner)
      }
  }
  collect(definition.fields)
  const rowsOf = (fields: readonly KafkaField[], prefix: string): readonly FieldRow[] =>
    fields
      .filter(({ versions, taggedVersions }) => isVersionIn(version, versions ?? taggedVersions ?? 'none'))
      .flatMap(field => {
        if (field.flexibleVersions !== undefined) throw new Error(`${field.name} has flexible versions`)
        const path = prefix + lowerFirst(field.name)
        const array = field.type.startsWith('[]') ? '[]' : ''
        const item = field.type.replace('[]', '')
        const isScalar = scalarTypes.test(item)
        const isTagged = isVersionIn(version, field.taggedVersions ?? 'none')
        const row = {
          path,
          type: array + (isScalar ? item : 'struct'),
          isNullable: isVersionIn(version, field.nullableVersions ?? 'none'),
          default: kafkaDefault(field, array + item),
          tag: isTagged ? field.tag : undefined,
        }
        return isScalar ? [row] : [row, ...rowsOf(structs.get(item)!, `${path}.`)]
      })
  return rowsOf(definition.fields, '')
}

/** Kafka writes defaults as text; what says none has the zero of its type. */
function kafkaDefault(field: KafkaField, type: string): FieldRow['default'] {
  const text = field.default === undefined ? undefined : String(field.default)
  if (text === 'null') return null
  if (type.startsWith('int')) return Number(text ?? 0)
  if (type === 'bool') return text === 'true'
  // Arrays and structures: only whether it is null.
  return type === 'string' ? (text ?? '') : ''
}

/** The fields of a version, by our definition. */
export function ourRows(fields: readonly Field[], version: number, prefix = ''): readonly FieldRow[] {
  return fields
    .filter(({ versions }) => isVersionIn(version, versions ?? '0+'))
    .flatMap(field => {
      const path = prefix + field.name
      const content = 'type' in field ? field.type : 'array' in field ? field.array : field.struct
      const isScalar = typeof content === 'string'
      const row = {
        path,
        type: ('array' in field ? '[]' : '') + (isScalar ? content : 'struct'),
        isNullable: isVersionIn(version, field.nullable ?? 'none'),
        default: ourDefault(field),
        tag: field.tag,
      }
      return isScalar ? [row] : [row, ...ourRows(content, version, `${path}.`)]
    })
}

function ourDefault(field: Field): FieldRow['default'] {
  if (field.default !== undefined) return field.default
  if (!('type' in field)) return ''
  return field.type === 'bool' ? false : field.type.startsWith('int') ? 0 : ''
}

/**
 * The fields that a version of a request lacks, and whose values its sender must not lose, by Kafka's
 * definition.
 */
export function kafkaLacking(
  { fields }: KafkaDefinition,
  version: number,
  offered: string,
): readonly string[] {
  const lackingOf = (some: readonly KafkaField[], prefix: string): readonly string[] =>
    some.flatMap(({ name, versions = 'none', ignorable = false, fields: inner = [] }) => {
      const path = prefix + lowerFirst(name)
      if (isVersionIn(version, versions)) return lackingOf(inner, `${path}.`)
      return ignorable || !overlap(versions, offered) ? [] : [path]
    })
  return lackingOf(fields, '')
}

/** The same by our definition. */
export function ourLacking(fields: readonly Field[], version: number, prefix = ''): readonly string[] {
  return fields.flatMap(field => {
    const path = prefix + field.name
    const inner = 'type' in field ? [] : 'array' in field ? field.array : field.struct
    if (!isVersionIn(version, field.versions ?? '0+')) return field.ignorable ? [] : [path]
    return typeof inner === 'string' ? [] : ourLacking(inner, version, `${path}.`)
  })
}

function overlap(some: string, others: string): boolean {
  const [a, b] = [versionsOf(some), versionsOf(others)]
  return Math.max(a.min, b.min) <= Math.min(a.max, b.max)
}

function lowerFirst(name: string): string {
  return name[0]!.toLowerCase() + name.slice(1)
}
