/** Bugs of windows: which there are, what they hold, and when their results go out. */
import type { SeededBug } from '../seeded-bug.ts'

export const windowBugs: readonly SeededBug[] = [
  {
    name: 'operators: a window that is complete has an early result, too',
    file: 'src/stream/operators/emission.ts',
    find: 'if (result.lastInstant < watermark) {',
    replace: 'if (result.lastInstant < Number.NEGATIVE_INFINITY) {',
    tests: ['src/stream/operators/aligned-windows.test.ts'],
  },
  {
    name: 'operators: nothing wakes early results by event time',
    file: 'src/stream/operators/emission.ts',
    find: 'deadline: () => dueAt,',
    replace: '',
    tests: ['src/stream/operators/sliding-windows.test.ts'],
  },
  {
    name: 'operators: a session ends a gap after its last record, even if an earlier one reaches further',
    file: 'src/stream/operators/session-windows.ts',
    find: '(latest, one) => Math.max(latest, endOf(one))',
    replace: '(_latest, _one) => ownEnd',
    tests: ['src/stream/operators/session-windows.test.ts', 'test/stream/oracle.test.ts'],
  },
  {
    name: 'operators: cumulative windows start at multiples of their size, wherever the offset is',
    file: 'src/stream/operators/window-grid.ts',
    find: 'startOf: step => floor(step, sizeMs, offsetMs)',
    replace: 'startOf: step => floor(step, sizeMs, 0)',
    tests: ['src/stream/operators/aligned-windows.test.ts', 'test/stream/oracle.test.ts'],
  },
  {
    name: 'operators: early results of windows with one start are taken for each other',
    file: 'src/stream/operators/emission.ts',
    find: '`${result.place} ${result.rawKey}`',
    replace: '`${result.start} ${result.rawKey}`',
    tests: ['src/stream/operators/aligned-windows.test.ts'],
  },
  {
    name: 'operators: a sliding window opens without the records that it has in common with others',
    file: 'src/stream/operators/sliding-windows.ts',
    find: 'before && before.timestamp >= timestamp - sizeMs ? before : undefined',
    replace: 'undefined',
    tests: ['src/stream/operators/sliding-windows.test.ts', 'test/stream/oracle.test.ts'],
  },
  {
    name: 'operators: no sliding window starts right after a record out of order',
    file: 'src/stream/operators/sliding-windows.ts',
    find: 'last && last.timestamp > timestamp && live[to]',
    replace: 'last && last.timestamp < timestamp && live[to]',
    tests: ['src/stream/operators/sliding-windows.test.ts', 'test/stream/oracle.test.ts'],
  },
  {
    name: 'operators: a sliding window is forgotten while records still need its content',
    file: 'src/stream/operators/sliding-windows.ts',
    find: 'keptUntil: ({ timestamp }) => timestamp + sizeMs + 1 + allowedLatenessMs',
    replace: 'keptUntil: ({ end }) => end + allowedLatenessMs',
    tests: ['src/stream/operators/sliding-windows.test.ts', 'test/stream/oracle.test.ts'],
  },
  {
    name: 'operators: the timer of a list of windows stays when an earlier one is due',
    file: 'src/stream/operators/window-lists.ts',
    find: 'if (timer !== undefined && timer <= due) {',
    replace: 'if (timer !== undefined) {',
    tests: ['src/stream/operators/sliding-windows.test.ts'],
  },
  {
    name: 'operators: the result of a change has the time of its window',
    file: 'src/stream/operators/emission.ts',
    find: "forward(recordOf(result, fired ? 'late' : 'early', result.timestamp, cause))",
    replace: "forward(recordOf(result, fired ? 'late' : 'early', result.lastInstant, cause))",
    tests: ['src/stream/operators/aligned-windows.test.ts'],
  },
  {
    name: 'operators: the result of a change has the time of the record that caused it',
    file: 'src/stream/operators/aligned-windows.ts',
    find: 'const latest = row === undefined ? timestamp : Math.max(row.timestamp, timestamp)',
    replace: 'const latest = timestamp',
    tests: ['src/stream/operators/aligned-windows.test.ts'],
  },
]
