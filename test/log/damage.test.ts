/** Cuts and damaged sectors anywhere in a log: see damage.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

const module = new URL('./damage.ts', import.meta.url)
test('a segment that is cut at any byte recovers to its last whole batch', () => apart(module, 'cutAnywhere'))

test('a segment with any sector zeroed or garbled recovers to the last batch before it', () =>
  apart(module, 'sectors'))

test('damage in older segments is found at the latest when they are read', () =>
  apart(module, 'olderSegments'))

test('segments that were cut after a clean stop are found at the start', () =>
  apart(module, 'sealedSegments'))

test('the message of a damaged partition names the repair, and the repair names what it kept', () =>
  apart(module, 'nameTheRepair'))
