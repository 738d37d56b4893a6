/** Bugs of tables: their rows, joins and groups. */
import type { SeededBug } from '../seeded-bug.ts'

export const tableBugs: readonly SeededBug[] = [
  {
    name: 'operators: a table says that rows are gone that never were',
    file: 'src/stream/operators/table-rows.ts',
    find: 'if (value !== null || previous !== null) changed(',
    replace: 'changed(',
    tests: ['src/stream/operators/table-rows.test.ts'],
  },
  {
    name: 'operators: a group that keeps a changed row changes twice',
    file: 'src/stream/operators/table-groups.ts',
    find: 'if (from && to && from.rawKey === to.rawKey) return change(to, from.value, to.value)\n',
    replace: '\n',
    tests: ['src/stream/operators/table-groups.test.ts', 'src/stream/dsl/grouped-tables.test.ts'],
  },
  {
    name: 'operators: equal groups are told apart by their identity',
    file: 'src/stream/operators/table-groups.ts',
    find: 'from.rawKey === to.rawKey',
    replace: '(from.group as unknown) === to.group',
    tests: ['src/stream/operators/table-groups.test.ts'],
  },
  {
    name: 'operators: a row without a group is counted again when it goes',
    file: 'src/stream/operators/table-groups.ts',
    find: 'if (isNew) context.drop',
    replace: 'context.drop',
    tests: ['src/stream/operators/table-groups.test.ts'],
  },
  {
    name: 'operators: a subtractor that deletes does not let the group start over',
    file: 'src/stream/operators/table-groups.ts',
    find: 'return rest === null ? first(added, key, record) : add(rest, added, key, record)',
    replace: 'return add(rest as A, added, key, record)',
    tests: ['src/stream/operators/table-groups.test.ts'],
  },
  {
    name: 'operators: a grouped table does not take back what a row gave',
    file: 'src/stream/operators/table-groups.ts',
    find: 'const from = previous === null ? undefined : placeOf(previous, key, false)',
    replace: 'const from = previous === null || value !== null ? undefined : placeOf(previous, key, false)',
    tests: ['src/stream/operators/table-groups.test.ts', 'test/stream/tables.test.ts'],
  },
  {
    name: 'operators: joined tables say that rows are gone that never were',
    file: 'src/stream/operators/table-table-join.ts',
    find: '      if (result === null && previous === null) return\n',
    replace: '',
    tests: ['src/stream/operators/table-table-join.test.ts', 'test/stream/tables.test.ts'],
  },
  {
    name: 'operators: a join of tables gives the time of one side',
    file: 'src/stream/operators/table-table-join.ts',
    find: '        after.right?.timestamp ?? timestamp,\n',
    replace: '',
    tests: ['src/stream/operators/table-table-join.test.ts', 'test/stream/tables.test.ts'],
  },
  {
    name: 'operators: a join of tables keeps keys that neither side has',
    file: 'src/stream/operators/table-table-join.ts',
    find: 'if (after.left !== null || after.right !== null) state.put',
    replace: 'if (before !== noRows || after.left !== null || after.right !== null) state.put',
    tests: ['src/stream/operators/table-table-join.test.ts', 'test/stream/tables.test.ts'],
  },
  {
    name: 'operators: a join of tables replaces what the new rows would have given before',
    file: 'src/stream/operators/table-table-join.ts',
    find: 'const previous = joined(before, key)',
    replace: 'const previous = joined({ ...after, left: before.left }, key)',
    tests: ['src/stream/operators/table-table-join.test.ts'],
  },
  {
    name: 'operators: a record of joined tables counts as one of one partition',
    file: 'src/stream/operators/table-table-join.ts',
    find: '  acrossPartitions: true,\n',
    replace: '',
    tests: ['src/stream/dsl/table-joins.test.ts'],
  },
  {
    name: 'DSL: tables whose keys have two forms are joined where they are',
    file: 'src/stream/dsl/meeting.ts',
    find: 'edge.from.keyCodec.form === keyCodec.form',
    replace: 'keyCodec !== undefined',
    tests: [
      'src/stream/dsl/table-joins.test.ts',
      'test/stream/tables.test.ts',
      'src/stream/dsl/tables.test.ts',
    ],
  },
]
