/** Bugs of joins of streams: who meets whom, what is kept, and what goes out alone. */
import type { SeededBug } from '../seeded-bug.ts'

const join = 'src/stream/operators/stream-join.ts'
const buffer = 'src/stream/operators/record-buffer.ts'
const pairs = 'src/stream/operators/window-pairs.ts'
const pages = 'src/stream/operators/window-pages.ts'
const pairCases = ['src/stream/operators/window-pairs.test.ts']
const cases = ['src/stream/operators/stream-join.test.ts']
const bufferCases = ['src/stream/operators/record-buffer.test.ts']
const random = ['test/stream/joins.test.ts']

export const joinBugs: readonly SeededBug[] = [
  {
    name: 'joins: a match does not cancel the wait of what it meets',
    file: join,
    find: '            unmatched.cancel(matched + keptMs(other), other.sign + rawKey)\n',
    replace: '',
    tests: [...cases, ...random],
  },
  {
    name: 'joins: a record goes out alone while a match may have the time of the watermark',
    file: join,
    find: 'else unmatched.set(lastInstant, ',
    replace: 'else unmatched.set(lastInstant - 1, ',
    tests: [...cases, ...random],
  },
  {
    name: 'joins: the wait for a match forgets late records',
    file: join,
    find: '=> reachMs + allowedLatenessMs',
    replace: '=> reachMs',
    tests: [...cases, ...random],
  },
  {
    name: 'joins: a record that can have no match waits for one, but is not kept',
    file: join,
    find: '        if (context.watermark() > lastInstant) sendAlone(side, onTime(key, rawKey, own))\n        else ',
    replace: '        ',
    tests: [...cases, ...random],
  },
  {
    name: 'joins: a record goes out alone after it was forgotten',
    file: join,
    find: 'unmatched.advance(to) && left.buffer.advance(to) && right.buffer.advance(to)',
    replace: 'left.buffer.advance(to) && right.buffer.advance(to) && unmatched.advance(to)',
    tests: random,
  },
  {
    name: 'joins: a pair is as late as the record that came last',
    file: join,
    find: 'match.watermark < own.watermark ? match : own',
    replace: 'own',
    tests: cases,
  },
  {
    name: 'joins: a pair has the time of the record that came last',
    file: join,
    find: 'Math.max(own.timestamp, match.timestamp)',
    replace: 'own.timestamp',
    tests: [...cases, ...random],
  },
  {
    name: 'joins: what comes alone is late downstream',
    file: join,
    find: '    neverLate,\n',
    replace: '    kept.watermark,\n',
    tests: [...cases, ...random],
  },
  {
    name: 'joins: a joiner that fails on what is alone ends the run, whatever the policy',
    file: join,
    find: 'context.attempt(record, () => sendAlone(side, record))',
    replace: 'sendAlone(side, record)',
    tests: ['test/app/bad-records-leave-no-trace.test.ts'],
  },
  {
    name: 'joins: an answer as of a time that fails ends the run, whatever the policy',
    file: 'src/stream/operators/as-of-join.ts',
    find: 'context.attempt(record, () => answer(record, rawKey))',
    replace: 'answer(record, rawKey)',
    tests: ['test/app/bad-records-leave-no-trace.test.ts'],
  },
  {
    name: 'joins: a join does not ask for the lateness of what comes alone',
    file: 'src/stream/operators/join-bounds.ts',
    find: 'allowedLatenessMs + Math.max(0, ofLeft, ofRight)',
    replace: 'allowedLatenessMs',
    tests: ['src/stream/dsl/stream-joins.test.ts'],
  },
  {
    name: 'joins: the sides of a time that is not symmetric are mistaken for each other',
    file: join,
    find: '      backMs: beforeMs,\n      reachMs: afterMs,',
    replace: '      backMs: afterMs,\n      reachMs: beforeMs,',
    tests: [...cases, ...random],
  },
  {
    name: 'joins: an exclusive bound matches',
    file: 'src/stream/dsl/stream-joins.ts',
    find: "exclusive === 'both' ? ms - 1 : ms",
    replace: "exclusive === 'both' ? ms : ms",
    tests: ['src/stream/dsl/stream-joins.test.ts'],
  },
  {
    name: 'joins: records without a key are lost on the way to a left join',
    file: 'src/stream/dsl/stream-joins.ts',
    find: "[kind !== 'join', kind === 'outerJoin']",
    replace: '[false, false]',
    tests: ['src/stream/dsl/stream-joins.test.ts', ...random],
  },
  {
    name: 'joins: a piece is forgotten before its last record',
    file: buffer,
    find: 'pieceOf(to - keptMs)',
    replace: 'pieceOf(to - keptMs) + pieceMs',
    tests: [...bufferCases, ...random],
  },
  {
    name: 'joins: a buffer writes all records of a key with each of them',
    file: buffer,
    find: 'open.records.length >= pageRecords && ',
    replace: 'open.records.length >= 10_000 && ',
    tests: bufferCases,
  },
  {
    name: 'joins: a look-up does not read the full pages',
    file: buffer,
    find: 'for (let n = 1; n <= open.full + 1; n += 1)',
    replace: 'for (let n = open.full + 1; n <= open.full + 1; n += 1)',
    tests: bufferCases,
  },
  {
    name: 'joins: matches come in the order of the log, not of time',
    file: buffer,
    find: 'return isInOrder ? found : found.sort((a, b) => a.timestamp - b.timestamp)',
    replace: 'return found',
    tests: [...bufferCases, ...cases],
  },
  {
    name: 'joins: nothing wakes a buffer that has something to forget',
    file: buffer,
    find: 'deadline: () => endOf(oldest)',
    replace: 'deadline: () => Number.POSITIVE_INFINITY',
    tests: bufferCases,
  },
  {
    name: 'joins: a correction of a window gives all its pairs again',
    file: pairs,
    find: 'const before = previous ?? noSides',
    replace: 'const before: Sides<L, R> = noSides ?? previous',
    tests: [...pairCases, ...random],
  },
  {
    name: 'joins: a late record of the right side has no pairs in its window',
    file: pairs,
    find: 'isNew ? 0 : before.right.length',
    replace: 'isNew ? 0 : now.right.length',
    tests: [...pairCases, ...random],
  },
  {
    name: 'joins: what is alone in a window goes out with each correction',
    file: pairs,
    find: "if (isNew && now.right.length === 0 && kind !== 'join')",
    replace: "if (now.right.length === 0 && kind !== 'join')",
    tests: pairCases,
  },
  {
    name: 'joins: the sides of two sessions are mistaken for each other',
    file: pairs,
    find: 'right: [...one.right, ...other.right],',
    replace: 'right: [...one.right, ...other.left] as R[],',
    tests: pairCases,
  },
  {
    name: 'joins: a result has the values of full pages only',
    file: pages,
    find: '        values.push(...last)\n',
    replace: '',
    tests: pairCases,
  },
  {
    name: 'joins: each full page of a side replaces the one before',
    file: pages,
    find: 'const number = full[side] + 1',
    replace: 'const number = 1',
    tests: pairCases,
  },
  {
    name: 'joins: full pages outlive their window',
    file: 'src/stream/operators/aligned-windows.ts',
    find: '      if (pages) yield* pages.deleteInTurns(over)\n',
    replace: '',
    tests: pairCases,
  },
  {
    name: 'joins: the program can change the bytes that a window holds',
    file: pairs,
    find: 'joiner(given(left), given(right), key, record)',
    replace: 'joiner(left, right, key, record)',
    tests: pairCases,
  },
  {
    name: 'joins: windows of the left side alone have nothing for a left join',
    file: pairs,
    find: '  leftJoin: ({ left }) => left.length > 0,\n',
    replace: '  leftJoin: ({ left, right }) => left.length > 0 && right.length > 0,\n',
    tests: pairCases,
  },
]
