/** Cuts and damaged sectors anywhere in a log: see damage.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

const module = new URL('./damage.ts', import.meta.url)
test('cut at any byte, a segment recovers to its last whole batch', () => apart(module, 'cutAnywhere'))

test('with any sector zeroed or garbled, a segment recovers to the last batch before it', () =>
  apart(module, 'sectors'))

test('damage in older segments is found when they are read, if not before', () =>
  apart(module, 'olderSegments'))

test('after a clean stop segments that were cut are found at the start', () =>
  apart(module, 'sealedSegments'))

test('the message of a damaged partition names the repair, and the repair names what it kept', () =>
  apart(module, 'nameTheRepair'))
