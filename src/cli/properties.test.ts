/** .properties files are read as java.util.Properties reads them. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { parseProperties, PropertiesFault } from './properties.ts'

function check(text: string, expected: readonly (readonly [string, string, number?])[]): void {
  deepEqual(
    parseProperties(text).map(({ name, value, line }) => [name, value, line]),
    expected.map(([name, value, line = 1]) => [name, value, line]),
    JSON.stringify(text),
  )
}

test('names end at the first separator: =, : or a blank', () => {
  check('a=b', [['a', 'b']])
  check('a:b', [['a', 'b']])
  check('a b', [['a', 'b']])
  check('a  =  b  ', [['a', 'b  ']])
  check('  a\t:\fb=c', [['a', 'b=c']])
  check('a = = b', [['a', '= b']])
  check('a', [['a', '']])
  check('a=', [['a', '']])
  check('num.partitions=3', [['num.partitions', '3']])
  check('a\\ b\\=c\\:d = e', [['a b=c:d', 'e']])
})

test('comments and empty lines are left out, any line end ends a line', () => {
  check('# one\n  ! two\n\n \t\f\na=1\r\nb=2\rc=3', [
    ['a', '1', 5],
    ['b', '2', 6],
    ['c', '3', 7],
  ])
  check('# a comment does not continue \\\na=1', [['a', '1', 2]])
  check('\uFEFFa=1', [['a', '1']])
  check('', [])
})

test('a line continues after a backslash, without the indent of the next', () => {
  check('a=1,\\\n   2,\\\n\t3\nb=4', [
    ['a', '1,2,3', 1],
    ['b', '4', 4],
  ])
  check('a=1\\\n# no comment here', [['a', '1# no comment here']])
  check('a=1\\\\\nb=2', [
    ['a', '1\\', 1],
    ['b', '2', 2],
  ])
  check('a=1\\\\\\\n2', [['a', '1\\2']])
  check('a=1\\', [['a', '1']])
})

test('escapes', () => {
  check('a=\\t\\n\\r\\f\\\\\\x\\"', [['a', '\t\n\r\f\\x"']])
  check('\\u0061=\\u00fc\\u20AC', [['a', 'ü€']])
  check('a=ü€', [['a', 'ü€']])
})

test('a fault is named with its line', () => {
  for (const [text, line] of [
    ['a=1\nb=\\u12', 2],
    ['# x\n\n=value', 3],
    ['a=1\n\\uzzzz=2', 2],
  ] as const)
    throws(
      () => parseProperties(text),
      error => {
        equal((error as PropertiesFault).line, line)
        return error instanceof PropertiesFault
      },
    )
})

test('of two of a name the last one counts: both are given, in order', () => {
  check('a=1\na=2', [
    ['a', '1', 1],
    ['a', '2', 2],
  ])
})
