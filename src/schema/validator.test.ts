import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import { z as z3 } from 'zod/v3'
import { isMillraceError, MillraceError } from '../base/index.ts'
import { codecOf, type Codec } from './codec.ts'
import { decoded } from './slices.test-support.ts'
import { windowed } from './windowed.ts'

type Convert = (text: string) => unknown

/** Schemas of a text whose outcome depends on a function. */
const libraries: readonly (readonly [name: string, schemaOf: (convert: Convert) => StandardSchemaV1])[] = [
  ['zod', convert => z.string().transform(convert)],
  ['zod: pipe', convert => z.string().transform(convert).pipe(z.unknown())],
  ['zod: refine', convert => z.string().refine(text => convert(text) !== null)],
  ['zod: preprocess', convert => z.preprocess(text => convert(text as string), z.unknown())],
  ['zod 3', convert => z3.string().transform(convert)],
  ['valibot', convert => v.pipe(v.string(), v.transform(convert))],
  ['arktype', convert => type('string').pipe(text => ({ converted: convert(text) }))],
  [
    'another',
    convert => ({
      '~standard': { version: 1, vendor: 'x', validate: text => ({ value: convert(text as string) }) },
    }),
  ],
]

function refusedAs(convert: Convert): Convert {
  return text => (text.startsWith('x') ? convert(text) : Number(text))
}

const noEnd = (text: string): unknown => [noEnd(`x${text}`)]
const faults: readonly (readonly [name: string, fault: Convert])[] = [
  ['throws', text => BigInt(text)],
  [
    'throws undefined',
    () => {
      // oxlint-disable-next-line no-throw-literal, typescript/only-throw-error -- this is tested
      throw undefined
    },
  ],
  [
    'throws a value that cannot be shown',
    () => {
      throw Object.defineProperty(new Error('x'), 'message', {
        get() {
          throw new Error('y')
        },
      })
    },
  ],
  [
    'throws an error of millrace',
    () => {
      throw new MillraceError('INVALID_DURATION', 'no duration')
    },
  ],
  ['runs out of stack', noEnd],
]

const read = (codec: Codec<unknown, unknown>, texts: readonly string[]): string[] =>
  decoded((slices, into) => codec.decode(slices, into), texts as string[]).map(one =>
    one !== null && typeof one === 'object' && 'malformed' in one ? String(one.malformed) : 'read',
  )

for (const [fault, convert] of faults)
  test(`a schema that ${fault} for a record makes that one malformed`, () => {
    for (const [library, schemaOf] of libraries) {
      const schema = schemaOf(refusedAs(convert))
      // The bad one first, too: nothing is known of the schema then.
      for (const texts of [
        ['12', 'x12', '13'],
        ['x12', '12', 'x13'],
      ]) {
        const expected = texts.map(text => text.startsWith('x'))
        const plain = codecOf(schema, 'value of a topic', { format: 'string' })
        assert.deepEqual(
          read(plain, texts).map(one => one !== 'read'),
          expected,
          library,
        )
        const inWindows = codecOf(windowed(schema), 'key of a topic')
        const windows = texts.map(key => JSON.stringify({ key, start: 0, end: 1 }))
        assert.deepEqual(
          read(inWindows, windows).map(one => one !== 'read'),
          expected,
          `${library} in windows`,
        )
        for (const text of texts)
          if (text.startsWith('x'))
            assert.throws(
              () => plain.encode(text),
              error => isMillraceError(error, 'MALFORMED_RECORD'),
              library,
            )
      }
    }
  })

test('the reason names the thrown value', () => {
  for (const [library, schemaOf] of libraries) {
    const [reason] = read(codecOf(schemaOf(BigInt), 'value of a topic', { format: 'string' }), ['x12'])
    assert.match(reason!, /its schema threw SyntaxError: Cannot convert x12 to a BigInt/, library)
  }
})

test('issues whose messages throw make the record malformed', () => {
  const schema = z.string({
    error: () => {
      throw new Error('no words')
    },
  })
  assert.match(read(codecOf(schema, 'value of a topic', { format: 'json' }), ['1'])[0]!, /no words/)
})

test('a schema is asynchronous that gives a promise for every record', async () => {
  const asynchronous: readonly (readonly [string, StandardSchemaV1])[] = [
    ['zod', z.string().refine(async () => true)],
    [
      'zod, nullable',
      z
        .string()
        .refine(async () => true)
        .nullable(),
    ],
    ['zod: transform', z.string().transform(async text => text)],
    ['zod 3', z3.string().refine(async () => true)],
    [
      'valibot',
      v.pipeAsync(
        v.string(),
        v.checkAsync(async () => true),
      ),
    ],
    [
      'another',
      { '~standard': { version: 1, vendor: 'x', validate: () => Promise.reject(new Error('later')) } },
    ],
  ]
  for (const [library, schema] of asynchronous) {
    const codec = codecOf(schema, 'value of a topic', { format: 'string' })
    void codec.nullable
    for (const use of [() => read(codec, ['a']), () => codec.encode('a')])
      assert.throws(use, error => isMillraceError(error, 'SCHEMA_ASYNC'), library)
    const inWindows = codecOf(windowed(schema), 'key of a topic')
    assert.throws(
      () => inWindows.encode({ key: 'a', start: 0, end: 1 }),
      error => isMillraceError(error, 'SCHEMA_ASYNC'),
      `${library} in windows`,
    )
  }
  await new Promise(resolve => setImmediate(resolve))
})

test('a promise for one record, after values for others, makes that record malformed', () => {
  for (const [library, schemaOf] of libraries.slice(0, 1)) {
    const schema = schemaOf(text => (text.startsWith('x') ? Promise.resolve(text) : text))
    const codec = codecOf(schema, 'value of a topic', { format: 'string' })
    assert.deepEqual(
      read(codec, ['12', 'x12', '13']).map(one => one !== 'read'),
      [false, true, false],
      library,
    )
  }
})

test('a value whose getters throw is refused', () => {
  const value = {
    get id(): number {
      throw new RangeError('no id')
    },
  }
  for (const schema of [z.any(), z.object({ id: z.number() }), v.any(), type('unknown'), z.looseObject({})])
    assert.throws(
      () => codecOf(schema as StandardSchemaV1, 'value of a topic', { format: 'json' }).encode(value),
      error => isMillraceError(error, 'MALFORMED_RECORD'),
    )
})
