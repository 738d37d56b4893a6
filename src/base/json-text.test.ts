import assert from 'node:assert/strict'
import { test } from 'node:test'
import { elementsOf, membersOf } from './json-text.ts'

test('splits an object into the texts of its members', () => {
  const cases: readonly (readonly [text: string, members: readonly (readonly [string, string])[]])[] = [
    ['{}', []],
    [' { } ', []],
    ['{"a":1.0}', [['a', '1.0']]],
    [
      ' {"a" : { "x": [1, 2 ,3], "x": "}" } ,\t"b":"\\"," , "":null}\r',
      [
        ['a', '{ "x": [1, 2 ,3], "x": "}" }'],
        ['b', '"\\","'],
        ['', 'null'],
      ],
    ],
    [
      '{"\\u0061:":-1E+400,"a":"\\\\"}',
      [
        ['a:', '-1E+400'],
        ['a', '"\\\\"'],
      ],
    ],
  ]
  for (const [text, members] of cases) assert.deepEqual(membersOf(text), members)
})

test('splits an array into the texts of its elements', () => {
  assert.deepEqual(elementsOf('[ 1.0, "a,]" , [2, [3]], {"b": [] },null]'), [
    '1.0',
    '"a,]"',
    '[2, [3]]',
    '{"b": [] }',
    'null',
  ])
  assert.deepEqual(elementsOf('[\n]'), [])
  const deep = `${'['.repeat(100_000)}1.0${']'.repeat(100_000)}`
  assert.deepEqual(elementsOf(`[${deep}]`), [deep])
})
