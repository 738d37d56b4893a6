import { throws } from 'node:assert/strict'
import { test } from 'node:test'
import { checkTopicName } from './topic-name.ts'

const longest = 'x'.repeat(249)

test('allows the topic names that Kafka allows', () => {
  for (const name of ['a', 'flights', 'a.b_c-D9', '...', '-1', longest]) checkTopicName(name)
  for (const name of ['', '.', '..', `${longest}x`, 'a/b', 'a\\b', 'a b', 'é', 'a\n', '../../etc', 'a~new'])
    throws(() => checkTopicName(name), { code: 'INVALID_ARGUMENT' })
})
