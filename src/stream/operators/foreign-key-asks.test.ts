/** Which rows a table's rows ask for, and no longer. The harness keeps keys as JSON. */
import { check } from './harness.test-support.ts'
import { askByForeignKey } from './foreign-key-asks.ts'
import { jsonKeyCodec } from './key-codec.ts'

interface Order {
  readonly of?: string
  readonly n?: number
}

check(
  'a row asks once, until it refers to another row or goes; a key that is missing refers to none',
  askByForeignKey<string, Order, string>(({ of }) => of, jsonKeyCodec),
  [
    ['a {"of":"x"} @1', ['x {"asker":"\\"a\\"","asks":true} @1']],
    ['a {"of":"x","n":2}←{"of":"x"} @2', []],
    [
      'a {"of":"y"}←{"of":"x","n":2} @3',
      ['x {"asker":"\\"a\\"","asks":false} @3', 'y {"asker":"\\"a\\"","asks":true} @3'],
    ],
    ['a {}←{"of":"y"} @4', ['y {"asker":"\\"a\\"","asks":false} @4']],
    ['a {"of":"z"}←{} @5 W3', ['z {"asker":"\\"a\\"","asks":true} @5 W3']],
    ['a -←{"of":"z"} @6', ['z {"asker":"\\"a\\"","asks":false} @6']],
  ],
)
