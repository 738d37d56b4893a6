import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../test/is-code.ts'
import { parsePlan } from './plan-topic.ts'
import { digestOf } from './saved-plan.ts'

test('reads a plan of format 1, and keeps its digest; refuses other formats', () => {
  const text =
    '{"format":1,"operators":[],"unclaimed":[],"topics":{"orders":"YQ"},"adopted":true,"atLeastOnce":true}'
  const plan = parsePlan(text, 'shop-plan-changelog')
  equal(plan.topics['orders'], 'YQ')
  equal(digestOf(plan), '41bb409')
  throws(() => parsePlan(text.replace('1', '2'), 'shop-plan-changelog'), isCode('STATE_INCOMPATIBLE'))
})
