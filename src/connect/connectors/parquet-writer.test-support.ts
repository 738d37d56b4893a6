/**
 * Parquet files that DuckDB does not write: odd names, types, levels, codecs and footers. One row group, a
 * plain page per column, uncompressed.
 *
 * The format: https://parquet.apache.org/docs/file-format/, its structures in Thrift's compact protocol.
 */

/** A field of the schema: of values, or of other fields. */
export type Field =
  | Column
  | {
      readonly name: string
      readonly converted?: Converted
      readonly repeated?: boolean
      readonly of: readonly Field[]
    }

interface Column {
  readonly name: string
  readonly type: keyof typeof types
  readonly converted?: Converted
  /** Its values; none may be null. */
  readonly values: readonly (number | bigint | string | Uint8Array)[]
  /** Repetition and definition levels, which precede the values if a field above is repeated. */
  readonly levels?: readonly number[]
  /** The codec that the page declares. The page is never compressed. */
  readonly codec?: keyof typeof codecs
}

const types = { INT32: 1, INT64: 2, DOUBLE: 5, BYTE_ARRAY: 6 } as const
const convertedTypes = {
  UTF8: 0,
  MAP: 1,
  DATE: 6,
  TIMESTAMP_MILLIS: 9,
  TIMESTAMP_MICROS: 10,
  UINT_64: 14,
  JSON: 19,
} as const
type Converted = keyof typeof convertedTypes
const codecs = { none: 0, lzo: 3, lz4: 5 } as const

/**
 * A file with these fields in each of `rows` rows. `encrypted` only marks the footer, and encrypts nothing.
 */
export function parquetFile(
  rows: number,
  fields: readonly Field[],
  { encrypted = false }: { encrypted?: boolean } = {},
): Buffer {
  const pages: Buffer[] = [Buffer.from('PAR1')]
  let offset = 4
  const chunks = leaves(fields).map(([path, column]) => {
    const data = Buffer.concat([
      Buffer.from(column.levels ?? []),
      ...column.values.map(value => plain(column, value)),
    ])
    const header = struct(
      [1, i32(0)],
      [2, i32(data.length)],
      [3, i32(data.length)],
      [5, struct([1, i32(column.values.length)], [2, i32(0)], [3, i32(3)], [4, i32(3)])],
    )
    const size = header.bytes.length + data.length
    const meta = struct(
      [1, i32(types[column.type])],
      [2, list(i32(0))],
      [3, list(...path.map(text))],
      [4, i32(codecs[column.codec ?? 'none'])],
      [5, i64(column.values.length)],
      [6, i64(size)],
      [7, i64(size)],
      [9, i64(offset)],
    )
    const chunk = struct([2, i64(offset)], [3, meta])
    pages.push(header.bytes, data)
    offset += size
    return chunk
  })
  const root = struct([4, text('schema')], [5, i32(fields.length)])
  const footer = struct(
    [1, i32(1)],
    [2, list(root, ...fields.flatMap(elements))],
    [3, i64(rows)],
    [4, list(struct([1, list(...chunks)], [2, i64(offset)], [3, i64(rows)]))],
    ...(encrypted ? [[8, struct([1, struct()])] as const] : []),
  ).bytes
  const length = Buffer.alloc(4)
  length.writeUInt32LE(footer.length)
  return Buffer.concat([...pages, footer, length, Buffer.from('PAR1')])
}

function leaves(fields: readonly Field[], above: readonly string[] = []): [string[], Column][] {
  return fields.flatMap(field => {
    const path = [...above, field.name]
    return 'of' in field ? leaves(field.of, path) : [[path, field] as [string[], Column]]
  })
}

function elements(field: Field): Part[] {
  const converted = field.converted === undefined ? [] : [[6, i32(convertedTypes[field.converted])] as const]
  const name = [4, text(field.name)] as const
  if (!('of' in field)) return [struct([1, i32(types[field.type])], [3, i32(0)], name, ...converted)]
  const repetition = [3, i32(field.repeated ? 2 : 0)] as const
  return [struct(repetition, name, [5, i32(field.of.length)], ...converted), ...field.of.flatMap(elements)]
}

function plain({ type }: Column, value: Column['values'][number]): Buffer {
  if (type === 'BYTE_ARRAY') {
    const bytes = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value as Uint8Array)
    const length = Buffer.alloc(4)
    length.writeUInt32LE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  const bytes = Buffer.alloc(type === 'INT32' ? 4 : 8)
  if (type === 'INT32') bytes.writeInt32LE(Number(value))
  else if (type === 'INT64') bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value as number | bigint)))
  else bytes.writeDoubleLE(Number(value))
  return bytes
}

/** A value in Thrift's compact protocol. */
interface Part {
  readonly code: number
  readonly bytes: Buffer
}

const i32 = (value: number): Part => ({ code: 5, bytes: varint(BigInt(value) * 2n) })
const i64 = (value: number): Part => ({ code: 6, bytes: varint(BigInt(value) * 2n) })

function text(value: string): Part {
  const bytes = Buffer.from(value)
  return { code: 8, bytes: Buffer.concat([varint(BigInt(bytes.length)), bytes]) }
}

function list(...parts: readonly Part[]): Part {
  const code = parts[0]?.code ?? 12
  const head =
    parts.length < 15
      ? Buffer.from([(parts.length << 4) | code])
      : Buffer.concat([Buffer.from([0xf0 | code]), varint(BigInt(parts.length))])
  return { code: 9, bytes: Buffer.concat([head, ...parts.map(({ bytes }) => bytes)]) }
}

/** Fields in ascending order of their ids, which are less than 16 apart. */
function struct(...fields: readonly (readonly [id: number, part: Part])[]): Part {
  let last = 0
  const bytes = fields.flatMap(([id, part]) => {
    const head = Buffer.from([((id - last) << 4) | part.code])
    last = id
    return [head, part.bytes]
  })
  return { code: 12, bytes: Buffer.concat([...bytes, Buffer.from([0])]) }
}

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  for (; value >= 128n; value >>= 7n) bytes.push(Number(value & 127n) | 128)
  return Buffer.from([...bytes, Number(value)])
}
