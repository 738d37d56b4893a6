/**
 * Lists, structs and maps: their parts are converted by the carriers of their types. A value with parts that
 * the type lacks does not fit.
 */
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api'
import type { Carrier, Identity } from './duckdb-carriers.ts'
import type { DuckDBModule } from './duckdb-database.ts'
import { isPlain } from './duckdb-json.ts'

type CarrierOf = (module: DuckDBModule, type: DuckDBType) => Carrier | undefined
type Convert = (value: unknown) => DuckDBValue | undefined

/** The carrier of a type with parts; undefined if a part has a type without a carrier. */
export function nestedCarrier(
  module: DuckDBModule,
  type: DuckDBType,
  carrierOf: CarrierOf,
): Carrier | undefined {
  const convert = converterOf(module, type, carrierOf)
  return (
    convert && {
      convert,
      append: (to, value) => to.appendValue(value, type),
      identity: undefined,
      isText: false,
    }
  )
}

function converterOf(module: DuckDBModule, type: DuckDBType, carrierOf: CarrierOf): Convert | undefined {
  const { DuckDBTypeId: id } = module
  const partOf = (part: DuckDBType): Carrier | undefined => {
    const carrier = carrierOf(module, part)
    return carrier?.isText ? undefined : carrier
  }
  if (type.typeId === id.LIST) {
    const part = partOf(type.valueType)
    return (
      part &&
      (value => {
        const items = Array.isArray(value) ? itemsOf(part, value) : undefined
        return items && new module.DuckDBListValue(items)
      })
    )
  }
  if (type.typeId === id.ARRAY) {
    const part = partOf(type.valueType)
    return (
      part &&
      (value => {
        const fits = Array.isArray(value) && value.length === type.length
        const items = fits ? itemsOf(part, value) : undefined
        return items && new module.DuckDBArrayValue(items)
      })
    )
  }
  if (type.typeId === id.STRUCT) {
    const parts = type.entryTypes.map(partOf)
    const names = new Set(type.entryNames)
    if (parts.includes(undefined) || names.has('__proto__')) return undefined
    return value => {
      if (typeof value !== 'object' || value === null || !isPlain(value)) return undefined
      const given = new Map(Object.entries(value).filter(([, part]) => part !== undefined))
      if ([...given.keys()].some(name => !names.has(name))) return undefined
      const entries: Record<string, DuckDBValue> = {}
      for (const [i, name] of type.entryNames.entries()) {
        const part = orNull(parts[i]!, given.get(name) ?? null)
        if (part === undefined) return undefined
        entries[name] = part
      }
      return new module.DuckDBStructValue(entries)
    }
  }
  if (type.typeId === id.MAP) {
    const [keys, values] = [partOf(type.keyType), partOf(type.valueType)]
    if (!keys?.identity || !values) return undefined
    const { identity } = keys
    return value => {
      const pairs = pairsOf(value)
      if (!pairs) return undefined
      const seen = new Set<Identity>()
      const entries: { key: DuckDBValue; value: DuckDBValue }[] = []
      for (const [key, part] of pairs) {
        const converted = key === null || key === undefined ? undefined : keys.convert(key)
        const held = orNull(values, part)
        if (converted === undefined || held === undefined || seen.has(identity(key))) return undefined
        seen.add(identity(key))
        entries.push({ key: converted, value: held })
      }
      return new module.DuckDBMapValue(entries)
    }
  }
  return undefined
}

/** By index: a hole is undefined, which a list cannot hold. */
function itemsOf(part: Carrier, values: readonly unknown[]): DuckDBValue[] | undefined {
  const items: DuckDBValue[] = []
  for (let index = 0; index < values.length; index++) {
    const item = orNull(part, values[index])
    if (item === undefined) return undefined
    items.push(item)
  }
  return items
}

function orNull(part: Carrier, value: unknown): DuckDBValue | undefined {
  if (value === null) return null
  return value === undefined ? undefined : part.convert(value)
}

function pairsOf(value: unknown): Iterable<readonly [unknown, unknown]> | undefined {
  if (value instanceof Map) return value as Map<unknown, unknown>
  return typeof value === 'object' && value !== null && isPlain(value) ? Object.entries(value) : undefined
}
