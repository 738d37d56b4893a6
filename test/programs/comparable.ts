/** Answers to programs in the order that is promised, so that they can be compared. */
import type { Answer, Program } from './program.ts'
import { isCorrected } from './random-program.ts'

/** By output, the results of all steps, in order where one is promised. */
export function inTotal(program: Program, answers: readonly Answer[]): unknown {
  const { outputs, unordered } = program
  return outputs.map(output => {
    const results = answers.flatMap(answer => answer[`out-${output}`] ?? [])
    if (isCorrected(program.operations[output]!)) return lastOnes(results)
    return waits(program, output) || unordered.includes(output) ? results.sort() : results
  })
}

/** By output, the results of each step; or of all steps together, where the step is a matter of time. */
export function ofSteps(program: Program, answers: readonly Answer[], isWhole: boolean): unknown {
  const { outputs, unordered } = program
  return outputs.map(output => {
    const results = answers.map(answer => answer[`out-${output}`] ?? [])
    if (isCorrected(program.operations[output]!)) return lastOnes(results.flat())
    if (waits(program, output)) return isWhole ? results.flat().sort() : []
    const ordered = results.map(each => (unordered.includes(output) ? each.toSorted() : each))
    return ordered.filter(each => each.length > 0)
  })
}

/** The last result of each window, if it was not taken back. */
function lastOnes(results: readonly string[]): string[] {
  const last = new Map(results.map(result => [result.slice(0, result.indexOf('=')), result]))
  return [...last.values()].filter(result => !result.includes('=null@')).sort()
}

/** Whether the step in which results come is a matter of time. */
function waits(program: Program, position: number): boolean {
  const operation = program.operations[position]!
  if (operation.on === 'windows' && operation.emit === 'final') return true
  if (operation.on === 'joined streams' && operation.op !== 'join') return true
  if (operation.on === 'stream and history' || operation.on === 'suppressed') return true
  return (
    'of' in operation &&
    [operation.of, ...('with' in operation ? [operation.with] : [])].some(of => waits(program, of))
  )
}
