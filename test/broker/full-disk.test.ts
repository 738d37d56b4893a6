/** A disk, or a part of it, that stays full: see full-disk.ts. */
import { test } from 'node:test'
import { apart } from '../apart.ts'

const module = new URL('./full-disk.ts', import.meta.url)
const filling = new URL('./filling-disk.ts', import.meta.url)

for (const full of ['everything', 'full-0', 'offsets', 'transactions'])
  test(`while ${full} stays full, each call that needs it ends with DISK_FULL, and the others work`, () =>
    apart(module, 'check', full))

test('a marker that finds no room holds up only its partition and transactional id, and is written at the next call that waits for it or the next start', () =>
  apart(module, 'checkMarkers'))

test('a file whose sync does not return holds up no other partition', () => apart(module, 'checkHang'))

test('on a disk that fills up and gets room at random, exactly the committed records are there, and no call waits', () =>
  apart(filling, 'simulate'))
