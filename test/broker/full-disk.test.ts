/** A disk, or a part of it, that stays full: see full-disk.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

const module = new URL('./full-disk.ts', import.meta.url)
const filling = new URL('./filling-disk.ts', import.meta.url)

for (const full of ['everything', 'full-0', 'offsets', 'transactions'])
  test(`${full} stays full: each call that needs it ends with DISK_FULL, the others work`, () =>
    apart(module, 'check', full))

test('a marker that finds no room holds up its own partition and its own id, and is written when a call waits for it, or at the next start', () =>
  apart(module, 'checkMarkers'))

test('a file whose sync does not return holds up no other partition', () => apart(module, 'checkHang'))

test('a disk that fills up and gets room at random: what was committed is there, nothing else, and nothing waits', () =>
  apart(filling, 'simulate'))
