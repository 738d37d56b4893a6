/**
 * Where millrace differs from Flink on purpose, the comparison computes what millrace should give. The end of
 * sessions is in FlinkWindows.java, timers before 1970 are in FlinkFunctions.java, and what an interval join
 * calls late is in the inputs of random-case.ts.
 */
import type { Answer, Case, WindowsCase } from './case.ts'

/** What millrace should give, by what Flink gives. */
export function expectedOf(one: Case, answers: readonly Answer[]): Answer[] {
  return givenBy(one, ofMillrace(one, answers))
}

function ofMillrace(one: Case, answers: readonly Answer[]): readonly Answer[] {
  if (one.operator === 'timers') return atWatermark(one, answers, () => true)
  if (one.operator === 'connected') return atWatermark(one, answers, result => result.includes(' overdue '))
  if (one.operator === 'windows' && one.kind === 'global') return atLatest(one, answers)
  return one.operator === 'co-group' && one.gives === 'pairs' ? newPairs(answers) : answers
}

/** Results of a global window have the largest timestamp in it. In Flink they have the last of all times. */
function atLatest({ inputs, panes }: Case & WindowsCase, answers: readonly Answer[]): Answer[] {
  const latest = new Map<string, number>()
  return answers.map(({ results, late }, n) => {
    const input = inputs[n]
    if (input) latest.set(input.key, Math.max(input.timestamp, latest.get(input.key) ?? 0))
    const timed = results.map(result => {
      const time = latest.get(keyOf(result))
      if (panes === 'discarding') latest.delete(keyOf(result))
      return `${result.slice(0, result.indexOf(' @'))} @${time}`
    })
    return { results: timed, late }
  })
}

/** What millrace gives, in the form of {@link expectedOf}. */
export function givenBy(one: Case, answers: readonly Answer[]): Answer[] {
  return inForm(one, givesAtTheEnd(one) ? answers.slice(0, -1) : answers).map(({ results, late }) => ({
    results: inOrder(results),
    late,
  }))
}

/**
 * At the end of time millrace gives what is in global windows. In Flink they have no end, but by the clock
 * they have given it before.
 */
function givesAtTheEnd(one: Case): boolean {
  return one.operator === 'windows' && one.kind === 'global' && !isEarly(one)
}

function isEarly({ emit }: WindowsCase): boolean {
  return typeof emit !== 'string' && 'early' in emit
}

function inForm(one: Case, answers: readonly Answer[]): readonly Answer[] {
  // Flink gives what a timer by the clock gives no time.
  if (one.operator === 'timers' && one.time === 'processing') return answers.map(withoutTimes)
  if (one.operator === 'co-group' && one.kind.endsWith('session')) return answers.map(withSortedLists)
  if (one.operator !== 'windows' || !isEarly(one)) return answers
  if (one.panes === 'discarding') return totals(answers)
  return one.kind === 'global' ? lastOnes(answers) : withoutEarly(one, answers)
}

function withoutTimes({ results, late }: Answer): Answer {
  return { results: results.map(result => result.slice(0, result.indexOf(' @'))), late }
}

/** Values of sessions that were merged: millrace has those of the earlier one first. */
function withSortedLists({ results, late }: Answer): Answer {
  const sorted = (list: string): string => `[${list.slice(1, -1).split(', ').toSorted().join(', ')}]`
  return {
    results: results.map(result => {
      const [, window, lists] = /^(.*?: \S+)(.*)$/.exec(result)!
      return `${window}${lists!.replaceAll(/\[.*?\]/g, sorted)}`
    }),
    late,
  }
}

/** A timer that is set to a time which has passed counts as the watermark in millrace. */
function atWatermark(
  { inputs, outOfOrderness }: Case,
  answers: readonly Answer[],
  isByTimer: (result: string) => boolean,
): Answer[] {
  let watermark = Number.NEGATIVE_INFINITY
  const setAt = new Map<string, number>()
  return answers.map(({ results, late }, n) => {
    const input = inputs[n]
    if (input) setAt.set(input.key, watermark)
    watermark = Math.max(watermark, (input?.timestamp ?? 0) - outOfOrderness)
    return {
      results: results.map(result => {
        const time = Math.max(timeOf(result), isByTimer(result) ? setAt.get(keyOf(result))! : 0)
        return `${result.slice(0, result.indexOf(' @'))} @${time}`
      }),
      late,
    }
  })
}

/** When a late record comes, Flink gives the other pairs of its window again. */
function newPairs(answers: readonly Answer[]): Answer[] {
  const given = new Map<string, number>()
  return answers.map(({ results, late }) => {
    const counts = new Map<string, number>()
    const isNew = (pair: string): boolean => {
      const count = (counts.get(pair) ?? 0) + 1
      counts.set(pair, count)
      return count > (given.get(pair) ?? 0)
    }
    const pairs = results.filter(isNew)
    for (const [pair, count] of counts) given.set(pair, count)
    return { results: pairs, late }
  })
}

/**
 * Millrace gives early results when the time passes a multiple of the interval, if they have changed. Flink
 * does at multiples that follow a window's first record. It gives results again if nothing has changed, also
 * those of windows that have ended.
 */
function withoutEarly(
  { inputs, outOfOrderness, time }: Case & WindowsCase,
  answers: readonly Answer[],
): Answer[] {
  let clock = 0
  let watermark = Number.NEGATIVE_INFINITY
  const given = new Set<string>()
  return answers.map(({ results, late }, n) => {
    watermark = Math.max(watermark, (inputs[n]?.timestamp ?? Number.POSITIVE_INFINITY) - outOfOrderness)
    clock += inputs[n]?.pause ?? Number.POSITIVE_INFINITY
    const now = time === 'event' ? watermark : clock
    const ended = results.filter(result => timeOf(result) < now && !given.has(result))
    for (const result of ended) given.add(result)
    return { results: [...new Set(ended)], late }
  })
}

/** The last result of each key: early results by the clock come at other times in Flink. */
function lastOnes(answers: readonly Answer[]): Answer[] {
  const last = new Map(answers.flatMap(({ results }) => results.map(result => [keyOf(result), result])))
  return [{ results: [...last.values()].toSorted(), late: answers.flatMap(({ late }) => late) }]
}

/** Early results that replace nothing are parts of a window, which are cut at other times in Flink. */
function totals(answers: readonly Answer[]): Answer[] {
  const sums = new Map<string, number>()
  for (const result of answers.flatMap(({ results }) => results)) {
    const [window, sum] = /^(.*) (-?\d+) @/.exec(result)!.slice(1) as [string, string]
    sums.set(window, (sums.get(window) ?? 0) + Number(sum))
  }
  const results = Array.from(sums, ([window, sum]) => `${window} ${sum}`).toSorted()
  return [...answers.map(({ late }) => ({ results: [], late })), { results, late: [] }]
}

/** The order of results of one instant is not promised: here it is that of keys and values. */
function inOrder(results: readonly string[]): string[] {
  return results.toSorted((a, b) => timeOf(a) - timeOf(b) || (a < b ? -1 : 1))
}

function keyOf(result: string): string {
  return result.slice(0, result.indexOf(':'))
}

function timeOf(result: string): number {
  return Number(result.split('@').at(-1))
}
