/** Bugs of the Parquet source. */
import type { SeededBug } from '../seeded-bug.ts'

const values = ['src/connect/connectors/parquet-values.test.ts']
const files = ['src/connect/connectors/parquet-files.test.ts']

export const parquetBugs: readonly SeededBug[] = [
  {
    name: 'Parquet: a query that fails halfway is taken for one at its end',
    file: 'src/connect/connectors/parquet.ts',
    find: '|| (count === 0 && given < left)',
    replace: '',
    tests: files,
  },
  {
    name: 'Parquet: the name of the file is a pattern',
    file: 'src/connect/connectors/parquet-file.ts',
    find: 'literal(withoutPatterns(resolve(name)))',
    replace: 'literal(resolve(name))',
    tests: files,
  },
  {
    name: 'Parquet: names of folders are columns',
    file: 'src/connect/connectors/parquet-relation.ts',
    find: 'hive_partitioning = false',
    replace: 'hive_partitioning = true',
    tests: files,
  },
  {
    name: 'Parquet: names that differ in case only are one',
    file: 'src/connect/connectors/parquet-relation.ts',
    find: 'if (isAlone && name',
    replace: 'if (name',
    tests: files,
  },
  {
    name: 'Parquet: resume states of 0.1.0 are those of another query',
    file: 'src/connect/connectors/parquet-query.ts',
    find: 'const select = outputs.map(({ origin, type, kind }) => originOf(`(${origin})`, type, kind))',
    replace: 'const select = outputs.map(({ conversion }) => conversion.sql)',
    tests: ['src/connect/connectors/parquet-resume.test.ts'],
  },
  {
    name: 'Parquet: encrypted columns are called damaged',
    file: 'src/connect/connectors/parquet-thrift-fields.ts',
    find: 'onField(id)',
    replace: '',
    tests: files,
  },
  {
    name: 'Parquet: times before 1970 are rounded up',
    file: 'src/connect/connectors/duckdb-rows.ts',
    find: 'THEN ${perMs - 1n} ELSE',
    replace: 'THEN 0 ELSE',
    tests: values,
  },
  {
    name: 'Parquet: whole numbers beyond 2^53 are rounded',
    file: 'src/connect/connectors/duckdb-rows.ts',
    find: 'where(`${name} BETWEEN -${safe} AND ${safe}`',
    replace: 'where(`true`',
    tests: values,
  },
  {
    name: 'Parquet: dates of any calendar are given',
    file: 'src/connect/connectors/duckdb-rows.ts',
    find: "where(`${name} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31'`",
    replace: 'where(`true`',
    tests: values,
  },
  {
    name: 'Parquet: of two entries of one name the last is given',
    file: 'src/connect/exact-json.ts',
    find: "text.includes(':') && namesIn(text) !== namesOf(value)",
    replace: 'false',
    tests: ['src/connect/exact-json.test.ts'],
  },
  {
    name: 'Parquet: text of times depends on the machine',
    file: 'src/connect/connectors/parquet.ts',
    find: "SET TimeZone = 'UTC'; ",
    replace: '',
    tests: values,
  },
]
