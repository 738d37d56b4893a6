/**
 * Where millrace differs from Kafka Streams on purpose (docs/time.md, "For people from Kafka Streams and
 * Flink"), the comparison computes what millrace should give. The rest of these differences is in
 * StreamsDifferences.java, as operators around Kafka Streams' own, and in the inputs of random-steps.ts.
 */
import type { Answer, Operation, Program, WindowsOperation } from '../../programs/program.ts'

/** What millrace should give, by what Kafka Streams gives. */
export function expectedOf(program: Program, answers: readonly Answer[]): Answer[] {
  return loneRecordsLast(program, answers).map(answer => byOutput(program, answer, expectedResults))
}

/** What millrace gives, in the order of {@link expectedOf}. */
export function givenBy(program: Program, answers: readonly Answer[]): Answer[] {
  return loneRecordsLast(program, answers).map(answer => byOutput(program, answer, inOrder))
}

/**
 * Records that go out alone from a join of streams may do so later in Kafka Streams than their time has come:
 * all results of the run are compared together.
 */
function loneRecordsLast({ operations }: Program, answers: readonly Answer[]): Answer[] {
  const mayBeLater = (output: string): boolean => {
    const { on, op } = operations[Number(output.slice('out-'.length))]!
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

function byOutput(
  { operations }: Program,
  answer: Answer,
  form: (operation: Operation, results: readonly string[]) => readonly string[],
): Answer {
  return Object.fromEntries(
    Object.entries(answer).map(([output, results]) => [
      output,
      form(operations[Number(output.slice('out-'.length))]!, results),
    ]),
  )
}

function expectedResults(operation: Operation, results: readonly string[]): readonly string[] {
  if (operation.on !== 'windows') return inOrder(operation, results)
  const { kind, emit } = operation
  if (emit === 'final')
    return inOrder(
      operation,
      results.map(result => atLastInstant(kind, result)),
    )
  return inOrder(operation, kind === 'session' ? withoutOwnRetractions(results) : results)
}

/** Kafka Streams takes a session back also where the next result has its bounds. */
function withoutOwnRetractions(results: readonly string[]): string[] {
  return results.filter(
    (result, n) =>
      !result.includes('=null@') || !results.slice(n + 1).some(later => keyOf(later) === keyOf(result)),
  )
}

/** Kafka Streams gives final results the latest time in the window. */
function atLastInstant(kind: WindowsOperation['kind'], result: string): string {
  const [, before, end] = /^(.*-(\d+)=.*@)\d+$/.exec(result)!
  return `${before}${Number(end) - (kind === 'tumbling' || kind === 'hopping' ? 1 : 0)}`
}

/**
 * Some orders are not promised: of final results of one instant, of the sliding windows that a record
 * changes, of the rows that refer to a changed row, of records that no join has matched. Here it is that of
 * keys and windows. Kafka Streams gives the result of a sliding window twice if it ends at the record and
 * starts right after another one.
 */
function inOrder(operation: Operation, results: readonly string[]): readonly string[] {
  if (operation.on === 'referring tables' || operation.on === 'joined streams') return results.toSorted(byKey)
  if (operation.on !== 'windows') return results
  if (operation.emit === 'changes')
    return operation.kind === 'sliding' ? [...new Set(results)].sort(byKey) : results
  const timeOf = (result: string): number => Number(result.split('@').at(-1))
  return results.toSorted((a, b) => timeOf(a) - timeOf(b) || byKey(a, b))
}

function byKey(a: string, b: string): number {
  return keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0
}

/** The key, with its window if it has one. */
function keyOf(result: string): string {
  return result.slice(0, result.indexOf('='))
}
