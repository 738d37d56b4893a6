/**
 * Converts values for DuckDB: each column has a carrier for its type, which converts a value exactly or
 * refuses it.
 *
 * DuckDB's own casts round (1.5 becomes 2 in an INTEGER), cut and guess. So values are converted here, and
 * appended with their types. Types whose text only DuckDB can parse (INTERVAL, BIT, times with a zone) are
 * appended as text, and cast on the staging table.
 */
import type { DuckDBAppender, DuckDBType, DuckDBUUIDValue, DuckDBValue } from '@duckdb/node-api'
import { daysOfDate, nanosOfInstant } from '../instants.ts'
import type { DuckDBModule } from './duckdb-database.ts'
import { jsonTextOf } from './duckdb-json.ts'
import { nestedCarrier } from './duckdb-nested.ts'
import { scaledDecimal, wholeNumber, wholeNumberOrText } from './duckdb-numbers.ts'

/** The identity of a value, for sets of keys. */
export type Identity = string | number | bigint | boolean

/** The conversion of values to one SQL type. */
export interface Carrier {
  /**
   * Converts a value, neither null nor undefined, for DuckDB; undefined if the type cannot hold exactly this
   * value.
   */
  convert(value: unknown): DuckDBValue | undefined
  /** Appends the result of {@link convert}. */
  append(to: DuckDBAppender, converted: DuckDBValue): void
  /**
   * The identity of a value that fits: the same for two values if and only if DuckDB takes them for equal.
   * Undefined: only DuckDB can tell.
   */
  readonly identity: ((value: unknown) => Identity) | undefined
  /** Whether the value is appended as text, which DuckDB casts. */
  readonly isText: boolean
}

/** The carrier of a column's type; undefined for a type without one. */
export function carrierOf(module: DuckDBModule, type: DuckDBType): Carrier | undefined {
  const { DuckDBTypeId: id } = module
  switch (type.typeId) {
    case id.BOOLEAN:
      return {
        ...native,
        convert: value => (typeof value === 'boolean' ? value : undefined),
        append: (to, value) => to.appendBoolean(value as boolean),
        identity: same,
      }
    case id.TINYINT:
      return small(-128, 127, (to, value) => to.appendTinyInt(value))
    case id.SMALLINT:
      return small(-32768, 32767, (to, value) => to.appendSmallInt(value))
    case id.INTEGER:
      return small(-(2 ** 31), 2 ** 31 - 1, (to, value) => to.appendInteger(value))
    case id.BIGINT:
      // All whole numbers that a double holds are in its range.
      return {
        ...integer(-(1n << 63n), (1n << 63n) - 1n, (to, value) => to.appendBigInt(value)),
        convert: value =>
          Number.isSafeInteger(value)
            ? BigInt(value as number)
            : within(wholeNumber(value), -(1n << 63n), (1n << 63n) - 1n),
      }
    case id.UTINYINT:
      return small(0, 255, (to, value) => to.appendUTinyInt(value))
    case id.USMALLINT:
      return small(0, 65535, (to, value) => to.appendUSmallInt(value))
    case id.UINTEGER:
      return small(0, 2 ** 32 - 1, (to, value) => to.appendUInteger(value))
    case id.UBIGINT:
      return integer(0n, (1n << 64n) - 1n, (to, value) => to.appendUBigInt(value))
    case id.HUGEINT:
      return large(-(1n << 127n), (1n << 127n) - 1n, (to, value) => to.appendHugeInt(value))
    case id.UHUGEINT:
      return large(0n, (1n << 128n) - 1n, (to, value) => to.appendUHugeInt(value))
    case id.BIGNUM:
      return large(undefined, undefined, (to, value) => to.appendBigNum(value))
    case id.DECIMAL: {
      const { width, scale } = type
      const limit = 10n ** BigInt(width)
      const scaled = (value: unknown): bigint | undefined => {
        const found = scaledDecimal(value, scale)
        return found !== undefined && found < limit && found > -limit ? found : undefined
      }
      return {
        ...native,
        convert(value) {
          const found = scaled(value)
          return found === undefined ? undefined : new module.DuckDBDecimalValue(found, width, scale)
        },
        append: (to, value) => to.appendDecimal(value as InstanceType<typeof module.DuckDBDecimalValue>),
        identity: value => scaled(value)!,
      }
    }
    case id.FLOAT:
      return {
        ...native,
        convert: value =>
          typeof value === 'number' && Object.is(Math.fround(value), value) ? value : undefined,
        append: (to, value) => to.appendFloat(value as number),
        identity: same,
      }
    case id.DOUBLE:
      return {
        ...native,
        convert: double,
        append: (to, value) => to.appendDouble(value as number),
        identity: value => double(value)!,
      }
    case id.VARCHAR:
      return type.alias === 'JSON' ? text(jsonTextOf) : text(plainText)
    case id.ENUM: {
      const values = new Set(type.values)
      return {
        ...native,
        convert: value => (typeof value === 'string' && values.has(value) ? value : undefined),
        append: (to, value) => to.appendEnum(value as string, type),
        identity: same,
      }
    }
    case id.UUID:
      return {
        ...native,
        convert(value) {
          const found = uuid(value)
          return found === undefined ? undefined : module.DuckDBUUIDValue.fromUint128(found)
        },
        append: (to, value) => to.appendUUID(value as DuckDBUUIDValue),
        identity: value => uuid(value)!,
      }
    case id.BLOB:
      return {
        ...native,
        convert: value => (value instanceof Uint8Array ? new module.DuckDBBlobValue(value) : undefined),
        append: (to, value) => to.appendBlob((value as InstanceType<typeof module.DuckDBBlobValue>).bytes),
        identity: value => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : ''),
      }
    case id.DATE:
      return {
        ...native,
        convert(value) {
          const days = daysOf(value)
          return days === undefined ? undefined : new module.DuckDBDateValue(days)
        },
        append: (to, value) => to.appendDate(value as InstanceType<typeof module.DuckDBDateValue>),
        identity: value => daysOf(value)!,
      }
    case id.TIMESTAMP:
      return instant(
        1000n,
        micros => new module.DuckDBTimestampValue(micros),
        (to, value) => to.appendTimestamp(value),
      )
    case id.TIMESTAMP_TZ:
      return instant(
        1000n,
        micros => new module.DuckDBTimestampTZValue(micros),
        (to, value) => to.appendTimestampTZ(value),
      )
    case id.TIMESTAMP_S:
      return instant(
        1_000_000_000n,
        seconds => new module.DuckDBTimestampSecondsValue(seconds),
        (to, value) => to.appendTimestampSeconds(value),
      )
    case id.TIMESTAMP_MS:
      return instant(
        1_000_000n,
        millis => new module.DuckDBTimestampMillisecondsValue(millis),
        (to, value) => to.appendTimestampMilliseconds(value),
      )
    case id.TIMESTAMP_NS:
      return instant(
        1n,
        nanos => new module.DuckDBTimestampNanosecondsValue(nanos),
        (to, value) => to.appendTimestampNanoseconds(value),
      )
    case id.TIME:
      return {
        ...native,
        convert(value) {
          const micros = microsOfTime(value)
          return micros === undefined ? undefined : new module.DuckDBTimeValue(micros)
        },
        append: (to, value) => to.appendTime(value as InstanceType<typeof module.DuckDBTimeValue>),
        identity: value => microsOfTime(value)!,
      }
    case id.INTERVAL:
    case id.TIME_TZ:
    case id.BIT:
      return {
        convert: value => (typeof value === 'string' && !finerThanMicros.test(value) ? value : undefined),
        append: (to, value) => to.appendVarchar(value as string),
        identity: undefined,
        isText: true,
      }
    case id.LIST:
    case id.ARRAY:
    case id.STRUCT:
    case id.MAP:
      return nestedCarrier(module, type, carrierOf)
    case id.UNION:
    case id.TIME_NS:
    case id.GEOMETRY:
    case id.VARIANT:
    case id.ANY:
    case id.SQLNULL:
    case id.STRING_LITERAL:
    case id.INTEGER_LITERAL:
      return undefined
  }
}

const native = { isText: false } as const
const same = (value: unknown): Identity => value as Identity

/** Whole numbers that a double holds. */
function small(min: number, max: number, append: (to: DuckDBAppender, value: number) => void): Carrier {
  return {
    ...native,
    convert(value) {
      const whole = typeof value === 'bigint' ? Number(value) : value
      return Number.isInteger(whole) && (whole as number) >= min && (whole as number) <= max
        ? (whole as number)
        : undefined
    },
    append: (to, value) => append(to, value as number),
    identity: value => Number(value),
  }
}

type AppendWhole = (to: DuckDBAppender, value: bigint) => void

function integer(min: bigint, max: bigint, append: AppendWhole): Carrier {
  return {
    ...native,
    convert: value => within(wholeNumber(value), min, max),
    append: (to, value) => append(to, value as bigint),
    identity: value => wholeIdentity(value as number | bigint),
  }
}

/** Whole numbers that JSON can only write as text. */
function large(min: bigint | undefined, max: bigint | undefined, append: AppendWhole): Carrier {
  return {
    ...native,
    convert: value => within(wholeNumberOrText(value), min, max),
    append: (to, value) => append(to, value as bigint),
    identity: value => wholeIdentity(wholeNumberOrText(value)!),
  }
}

function within(
  whole: bigint | undefined,
  min: bigint | undefined,
  max: bigint | undefined,
): bigint | undefined {
  if (whole === undefined || (min !== undefined && whole < min)) return undefined
  return max !== undefined && whole > max ? undefined : whole
}

const wholeIdentity = (value: number | bigint): Identity =>
  typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value

/** A number, or a bigint that a double holds exactly. */
function double(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'bigint' && BigInt(Number(value)) === value ? Number(value) : undefined
}

function text(textOf: (value: unknown) => string | undefined): Carrier {
  return {
    ...native,
    convert: textOf,
    append: (to, value) => to.appendVarchar(value as string),
    identity: value => textOf(value)!,
  }
}

/** A value as text: numbers and bigints as digits, a Date as ISO 8601, objects as JSON. */
function plainText(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      // DuckDB's text is UTF-8, which has no half surrogates.
      return value.isWellFormed() ? value : undefined
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    case 'object': {
      const json = jsonTextOf(value)
      return json?.startsWith('"') ? (JSON.parse(json) as string) : json
    }
    case 'undefined':
    case 'function':
    case 'symbol':
      return undefined
  }
}

/** Times finer than a microsecond, in the text of a type that is cast. */
const finerThanMicros = /\.\d{6}\d*[1-9]/

/** An instant in units of so many nanoseconds, within 64 bits; the outermost values mean infinity. */
function instant<T extends DuckDBValue>(
  unitNanos: bigint,
  make: (units: bigint) => T,
  append: (to: DuckDBAppender, value: T) => void,
): Carrier {
  const unitMax = (1n << 63n) - 2n
  const unitsPerMs = 1_000_000n / unitNanos
  const unitsOf = (value: unknown): bigint | undefined => {
    // The common case: milliseconds, into a type that is finer.
    if (unitsPerMs > 0n && isInstantMs(value)) {
      const units = BigInt(value) * unitsPerMs
      return unitsPerMs <= 1000n || (units <= unitMax && units >= -unitMax) ? units : undefined
    }
    const nanos = nanosOf(value)
    if (nanos === undefined || nanos % unitNanos !== 0n) return undefined
    const units = nanos / unitNanos
    return units <= unitMax && units >= -unitMax ? units : undefined
  }
  return {
    ...native,
    convert(value) {
      const units = unitsOf(value)
      return units === undefined ? undefined : make(units)
    },
    append: (to, value) => append(to, value as T),
    identity: value => {
      // Most are whole milliseconds: a number is the cheapest to look up.
      const ms = msOf(value)
      if (typeof ms === 'number') return ms
      const nanos = nanosOf(value) ?? 0n
      return nanos % 1_000_000n === 0n ? Number(nanos / 1_000_000n) : nanos
    },
  }
}

/** A Date as milliseconds; other values unchanged. A schema may have converted text or a number to a Date. */
const msOf = (value: unknown): unknown => (value instanceof Date ? value.getTime() : value)

/** Numbers are milliseconds since the epoch, text is ISO 8601. */
function nanosOf(value: unknown): bigint | undefined {
  const ms = msOf(value)
  if (typeof ms === 'string') return nanosOfInstant(ms)
  return isInstantMs(ms) ? BigInt(ms) * 1_000_000n : undefined
}

/** The same, for the day in UTC. */
function daysOf(value: unknown): number | undefined {
  const ms = msOf(value)
  if (typeof ms === 'string') return daysOfDate(ms)
  return isInstantMs(ms) ? Math.floor(ms / 86_400_000) : undefined
}

/** The range of a Date, which DuckDB's types hold. */
const instantMsMax = 8.64e15

function isInstantMs(ms: unknown): ms is number {
  return Number.isSafeInteger(ms) && Math.abs(ms as number) <= instantMsMax
}

const uuidForm = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i

function uuid(value: unknown): bigint | undefined {
  return typeof value === 'string' && uuidForm.test(value)
    ? BigInt(`0x${value.replaceAll('-', '')}`)
    : undefined
}

const timeForm = /^(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,6})0*)?)?$/

function microsOfTime(value: unknown): bigint | undefined {
  const match = typeof value === 'string' ? timeForm.exec(value) : null
  if (!match) return undefined
  const [, hour, minute, second = '00', fraction = ''] = match
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second)
  return BigInt(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0'))
}
