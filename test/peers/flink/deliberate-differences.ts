/**
 * Where millrace differs from Flink on purpose, the comparison computes what millrace should give. One more
 * difference is in FlinkCases.java: the gap of sessions.
 */
import type { Answer, Case } from './case.ts'

/** What millrace should give, by what Flink gives. */
export function expectedOf(one: Case, answers: readonly Answer[]): Answer[] {
  return givenBy(one, one.operator === 'timers' ? atWatermark(one, answers) : answers)
}

/** What millrace gives, in the form of {@link expectedOf}. */
export function givenBy(one: Case, answers: readonly Answer[]): Answer[] {
  const isEarly = one.operator === 'windows' && typeof one.emit === 'object' && 'early' in one.emit
  return (isEarly ? withoutEarly(one, answers) : answers).map(({ results, late }) => ({
    results: inOrder(results),
    late,
  }))
}

/** A timer that is set to a time which has passed counts as the watermark in millrace. */
function atWatermark({ inputs, outOfOrderness }: Case, answers: readonly Answer[]): Answer[] {
  let watermark = Number.NEGATIVE_INFINITY
  const setAt = new Map<string, number>()
  return answers.map(({ results, late }, n) => {
    const input = inputs[n]
    if (input) setAt.set(input.key, watermark)
    watermark = Math.max(watermark, (input?.timestamp ?? 0) - outOfOrderness)
    return {
      results: results.map(result => {
        const [key, sum] = result.split(' ')
        return `${key} ${sum} @${Math.max(timeOf(result), setAt.get(key!)!)}`
      }),
      late,
    }
  })
}

/**
 * Millrace gives early results when the watermark passes a multiple of the interval, if they have changed.
 * Flink does at multiples that follow a window's first record. It gives results again if nothing has changed,
 * also those of windows that have ended.
 */
function withoutEarly({ inputs, outOfOrderness }: Case, answers: readonly Answer[]): Answer[] {
  let watermark = Number.NEGATIVE_INFINITY
  const given = new Set<string>()
  return answers.map(({ results, late }, n) => {
    watermark = Math.max(watermark, (inputs[n]?.timestamp ?? Number.POSITIVE_INFINITY) - outOfOrderness)
    const ended = results.filter(result => timeOf(result) < watermark && !given.has(result))
    for (const result of ended) given.add(result)
    return { results: [...new Set(ended)], late }
  })
}

/** The order of results of one instant is not promised: here it is that of keys and values. */
function inOrder(results: readonly string[]): string[] {
  return results.toSorted((a, b) => timeOf(a) - timeOf(b) || a.localeCompare(b))
}

function timeOf(result: string): number {
  return Number(result.split('@').at(-1))
}
