/** What the headers of a dead letter say. */
import { deepEqual, match } from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8, utf8 } from '../../base/index.ts'
import { type DeadLetterCause, deadLetterHeaders } from './dead-letter.ts'

function check(own: Record<string, string>, cause: DeadLetterCause, expected: Record<string, string>): void {
  const headers = Object.entries(own).map(([key, value]) => ({ key, value: fromUtf8(value) }))
  const told = deadLetterHeaders(headers, cause).map(({ key, value }) => [key, utf8(value!)])
  deepEqual(Object.fromEntries(told), expected)
}

test('a record of the log keeps its headers, and says why and where it was', () => {
  check(
    { trace: 'x' },
    { reason: 'No.', place: { topic: 't', partition: 1, offset: 7 } },
    {
      trace: 'x',
      'millrace.reason': 'No.',
      'millrace.topic': 't',
      'millrace.partition': '1',
      'millrace.offset': '7',
    },
  )
})

test('a letter that fails again says nothing of the first time', () => {
  const before = {
    trace: 'x',
    'millrace.reason': 'Before.',
    'millrace.stack': 'before',
    'millrace.operator': 'map-1',
    'millrace.task': '3',
    'millrace.pane': 'late',
  }
  check(
    before,
    { reason: 'Now.', place: { source: 'file.csv', place: 'line 3' } },
    {
      trace: 'x',
      'millrace.pane': 'late',
      'millrace.reason': 'Now.',
      'millrace.source': 'file.csv',
      'millrace.place': 'line 3',
    },
  )
})

test('the stack of the error is kept', () => {
  const headers = deadLetterHeaders([], {
    reason: 'No.',
    place: { operator: 'map-1', task: 0 },
    error: new Error('bad luck'),
  })
  deepEqual(
    headers.map(({ key }) => key),
    ['millrace.reason', 'millrace.operator', 'millrace.task', 'millrace.stack'],
  )
  match(utf8(headers[3]!.value!), /bad luck/)
})
