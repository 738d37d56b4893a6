/** A state to resume from that an earlier version wrote is continued. */
import { equal, ok } from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { ColumnSpecs } from '../columns.ts'
import type { ResumeState } from '../source.ts'
import { parquet, type ParquetOptions } from './parquet.ts'
import { rowsOf } from './parquet.test-support.ts'
import { parquetFile } from './parquet-writer.test-support.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-test-parquet-resume-'))
after(() => rmSync(folder, { recursive: true }))

describe('a resume state that 0.1.0 wrote', () => {
  const count = 3000
  const each = <T>(of: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => of(n))
  const file = join(folder, 'state.parquet')
  writeFileSync(
    file,
    parquetFile(count, [
      { name: 'n', type: 'INT32', values: each(n => n) },
      { name: 'big', type: 'INT64', values: each(n => BigInt(n) * 1_000_000_000n) },
      { name: 'real', type: 'DOUBLE', values: each(n => n / 4) },
      { name: 'day', type: 'INT32', converted: 'DATE', values: each(n => n) },
      { name: 'at', type: 'INT64', converted: 'TIMESTAMP_MICROS', values: each(n => n * 1000) },
      { name: 'text', type: 'BYTE_ARRAY', converted: 'UTF8', values: each(n => `text ${n}`) },
      { name: 'bytes', type: 'BYTE_ARRAY', values: each(n => `text ${n}`) },
      { name: 's', of: [{ name: 'x', type: 'INT32', values: each(n => n) }] },
    ]),
  )
  for (const [name, options, state, first, left] of [
    ['all columns', {}, { row: 2047, query: 'a6817173c6da6929' }, 2048, count - 2048],
    [
      'columns, expressions, a filter and an order',
      {
        columns: { n: 'integer', big: 'number', twice: 'integer', real: 'number' },
        select: { twice: 'n * 2' },
        where: 'n % 3 > 0',
        orderBy: ['-n', 'text'],
      },
      { row: 1000, query: 'afa09dc577985527' },
      998,
      666,
    ],
  ] as const satisfies [string, ParquetOptions<ColumnSpecs>, ResumeState, number, number][])
    test(`continues: ${name}`, async () => {
      const rows = await rowsOf(parquet(file, options as ParquetOptions<ColumnSpecs>), state)
      ok('n' in rows[0]!)
      equal(rows[0].n, first)
      equal(rows.length, left)
    })
})
