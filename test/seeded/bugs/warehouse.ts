/** Bugs of the DuckDB sink, each of a kind that loses or changes rows while the run reports success. */
import type { SeededBug } from '../seeded-bug.ts'

const sink = (file: string): string => `src/connect/connectors/duckdb-${file}.ts`

export const warehouseBugs: readonly SeededBug[] = [
  {
    name: 'a warehouse: offsets of another topic are taken for its own',
    file: 'src/connect/transactional-offsets.ts',
    find: 'ownerId !== topicId &&',
    replace: 'ownerId.length !== topicId.length &&',
    tests: [
      'src/connect/transactional-offsets.test.ts',
      'src/connect/connectors/duckdb.test.ts',
      'test/connect/warehouse.test.ts',
    ],
  },
  {
    name: 'a warehouse: a table that is gone is made again, and its offsets stay',
    file: sink('offsets'),
    find: '    if (!hasTable) throw this.#changed(`belong to a table that is gone`)\n',
    replace: '',
    tests: ['test/connect/warehouse.test.ts'],
  },
  {
    name: 'a transactional sink: a replaced writer is not fenced',
    file: 'src/connect/transactional-offsets.ts',
    find: 'if (epoch !== this.#epoch)',
    replace: 'if (epoch < this.#epoch)',
    tests: ['src/connect/transactional-offsets.test.ts', 'src/connect/connectors/duckdb.test.ts'],
  },
  {
    name: 'a transactional sink: a repeated write is applied again',
    file: 'src/connect/transactional-offsets.ts',
    find: 'return false\n    await write()',
    replace: 'return await write().then(() => false)\n    await write()',
    tests: ['src/connect/transactional-offsets.test.ts', 'src/connect/connectors/duckdb.test.ts'],
  },
  {
    name: 'a transactional sink: deleted offsets are not noticed',
    file: 'src/connect/transactional-offsets.ts',
    find: 'if (stored.size < this.#count)',
    replace: 'if (stored.size < 0)',
    tests: ['src/connect/transactional-offsets.test.ts'],
  },
  {
    name: 'a warehouse: all rows of a key reach MERGE',
    file: sink('merge'),
    find: 'USING ${isDecided ? staging :',
    replace: 'USING ${staging ? staging :',
    tests: ['src/connect/connectors/duckdb-keys.test.ts'],
  },
  {
    name: 'a warehouse: keys are told apart by their text on the log',
    file: sink('carriers'),
    find: 'identity: value => uuid(value)!,',
    replace: 'identity: same,',
    tests: ['src/connect/connectors/duckdb-keys.test.ts'],
  },
  {
    name: 'a warehouse: collations are not seen',
    file: 'src/connect/connectors/duckdb.ts',
    find: 'identity: collated(c) ? undefined : column.carrier.identity',
    replace: 'identity: column.carrier.identity',
    tests: ['src/connect/connectors/duckdb-keys.test.ts'],
  },
  {
    name: 'a warehouse: digits that a DECIMAL lacks are cut',
    file: sink('numbers'),
    find: '  if (shift < 0 && /[1-9]/.test(digits.slice(kept.length))) return undefined\n',
    replace: '',
    tests: ['src/connect/connectors/duckdb-values.test.ts'],
  },
  {
    name: 'a warehouse: rows that break a CHECK are looked for by halving',
    file: sink('row-checks'),
    find: "if (constraint.kind === 'check') asks.push(",
    replace: "if (constraint.kind === 'check') [].concat(",
    tests: ['src/connect/connectors/duckdb-row-checks.test.ts'],
  },
  {
    name: 'a warehouse: a row that is refused holds its unique keys',
    file: sink('row-checks'),
    find: '      else for (const { of, key } of row)',
    replace: '      for (const { of, key } of row)',
    tests: ['src/connect/connectors/duckdb-row-checks.test.ts'],
  },
  {
    name: "a warehouse: a column of the table's own that needs a value blames the records",
    file: sink('table'),
    find: '  if (demanded.length > 0)',
    replace: '  if (demanded.length > 9)',
    tests: ['test/connect/warehouse.test.ts'],
  },
  {
    name: 'a warehouse: settings of the second sink are ignored',
    file: sink('database'),
    find: '  checkSettings(path, open.settings, options)\n',
    replace: '',
    tests: ['src/connect/connectors/duckdb-shared.test.ts'],
  },
]
