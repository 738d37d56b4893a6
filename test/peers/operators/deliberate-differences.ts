/**
 * Where millrace differs from Kafka Streams on purpose (docs/time.md, "For people from Kafka Streams and
 * Flink"), the programs of Kafka Streams have operators around its own: StreamsDifferences.java. The rest is
 * in the inputs of random-steps.ts, and in the order of results, here.
 */
import type { Answer, Program } from '../../programs/program.ts'

/** What millrace should give, by what Kafka Streams gives. */
export function expectedOf(program: Program, answers: readonly Answer[]): Answer[] {
  const { operations } = program
  const expected = answers.map(answer =>
    Object.fromEntries(
      Object.entries(answer).map(([output, results]) => {
        const operation = operations[positionOf(output)]!
        const isSession = operation.on === 'windows' && operation.kind === 'session'
        return [output, isSession ? withoutOwnRetractions(results) : results]
      }),
    ),
  )
  return givenBy(program, expected)
}

/** What millrace gives, in the order that is promised. */
export function givenBy(program: Program, answers: readonly Answer[]): Answer[] {
  const { operations, unordered } = program
  return loneRecordsLast(program, answers).map(answer =>
    Object.fromEntries(
      Object.entries(answer).map(([output, results]) => {
        const position = positionOf(output)
        const operation = operations[position]!
        if (unordered.includes(position) || operation.on === 'joined streams')
          return [output, results.toSorted(byKey)]
        const isFinal = operation.on === 'windows' && operation.emit === 'final'
        return [output, isFinal ? results.toSorted((a, b) => timeOf(a) - timeOf(b) || byKey(a, b)) : results]
      }),
    ),
  )
}

/** Kafka Streams takes a session back also where the next result has its bounds. */
function withoutOwnRetractions(results: readonly string[]): string[] {
  return results.filter(
    (result, n) =>
      !result.includes('=null@') || !results.slice(n + 1).some(later => keyOf(later) === keyOf(result)),
  )
}

/**
 * Records that go out alone from a join of streams may do so later in Kafka Streams than their time has come:
 * all results of the run are compared together.
 */
function loneRecordsLast({ operations }: Program, answers: readonly Answer[]): Answer[] {
  const mayBeLater = (output: string): boolean => {
    const { on, op } = operations[positionOf(output)]!
    return on === 'joined streams' && op !== 'join'
  }
  const all: Record<string, string[]> = {}
  const others = answers.map(answer =>
    Object.fromEntries(
      Object.entries(answer).filter(([output, results]) => {
        if (mayBeLater(output)) (all[output] ??= []).push(...results)
        return !mayBeLater(output)
      }),
    ),
  )
  return [
    ...others,
    Object.fromEntries(Object.entries(all).map(([output, results]) => [output, results.sort()])),
  ]
}

function positionOf(output: string): number {
  return Number(output.slice('out-'.length))
}

function byKey(a: string, b: string): number {
  return keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0
}

/** The key, with its window if it has one. */
function keyOf(result: string): string {
  return result.slice(0, result.indexOf('='))
}

function timeOf(result: string): number {
  return Number(result.split('@').at(-1))
}
