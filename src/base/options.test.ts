import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, type ErrorCode } from './errors.ts'
import { inWords } from './in-words.ts'
import { checkOptions, nearestName, type OptionKind } from './options.ts'

const kinds: Record<string, OptionKind> = {
  name: 'string',
  size: 'count',
  offset: 'natural',
  wait: 'duration',
  each: 'function',
  loud: 'boolean',
  signal: 'signal',
  more: 'object',
  until: ['now', 'end'],
  even: value => (Number(value) % 2 === 0 ? undefined : 'an even number'),
  whatever: 'any',
}

test('accepts options of their kind', () => {
  for (const given of [
    undefined,
    {},
    { name: undefined, until: undefined },
    {
      name: 'x',
      size: 1,
      offset: 0,
      wait: '1h 30m',
      each: () => 1,
      loud: false,
      more: {},
      until: 'end',
      even: 4,
    },
    { wait: 0, signal: AbortSignal.abort(), whatever: null },
  ])
    checkOptions('the thing', given, kinds)
})

for (const [given, words, code = 'INVALID_ARGUMENT'] of [
  [{ untill: 'end' }, /Unknown option 'untill' of the thing\. Did you mean 'until'\?/],
  [{ Size: 1 }, /'Size'.*Did you mean 'size'\?/],
  [{ zzzzzzzz: 1 }, /It takes: name, size/],
  [{ constructor: 1 }, /Unknown option 'constructor'/],
  [{ until: 'later' }, /Option 'until' of the thing must be 'now' or 'end', got 'later'/],
  [{ until: ['now'] }, /got an array/],
  [{ name: '' }, /text that is not empty, got ''/],
  [{ size: 0 }, /whole number, 1 or more, got 0/],
  [{ size: '5' }, /got '5'/],
  [{ offset: -1 }, /0 or more, got -1/],
  [{ offset: 1.5 }, /got 1\.5/],
  [{ wait: '1x' }, /milliseconds.*got '1x'/, 'INVALID_DURATION'],
  [{ wait: new Date() }, /got a Date/, 'INVALID_DURATION'],
  [{ each: 'f' }, /a function/],
  [{ loud: 1 }, /true or false/],
  [{ signal: {} }, /AbortSignal/],
  [{ even: 3 }, /an even number, got 3/],
  [{ name: null }, /got null/],
  ['30m', /must be an object, got '30m'/],
  [null, /got null/],
  [[], /got an empty array/],
  [() => 1, /got a function/],
] as [unknown, RegExp, ErrorCode?][])
  test(`refuses ${inWords(given)}: ${String(words)}`, () => {
    assert.throws(
      () => checkOptions('the thing', given, kinds),
      error => isMillraceError(error, code) && words.test(error.message),
    )
  })

test('names the nearest known name, or none', () => {
  assert.equal(nearestName('isolaton', ['group', 'isolation']), 'isolation')
  assert.equal(nearestName('groupId', ['group', 'isolation']), 'group')
  assert.equal(nearestName('colour', ['group', 'isolation']), undefined)
})
