/** Comparisons of the two brokers: in turns, in rounds, by medians. */
import { styleText } from 'node:util'

export type Side = 'ours' | 'theirs'

/** A figure of both sides: how their ratio, ours over theirs, must be. */
export type Target = { readonly atLeast: number } | { readonly atMost: number }

/** The two figures of one side. */
export type Figures = readonly [number, number]

/** A row of the table. */
export interface Comparison {
  readonly name: string
  readonly targets: readonly [Target, Target]
  /** Does the work of a round on one side, and checks the result. */
  run(side: Side, round: number): Promise<Figures>
}

/** Rounds that count, after one that does not. */
export const rounds = 5

/** Prints the head of rows with these figures. */
export function printHead(figures: readonly [string, string]): void {
  const head = figures.flatMap(figure => [figure, 'Kafka', 'ratio', 'target'])
  console.log(cells(['', ...head]))
}

/** Compares both sides, and prints a row. Whether it has reached its targets. */
export async function compare(comparison: Comparison): Promise<boolean> {
  const pairs: Readonly<Record<Side, Figures>>[] = []
  for (let round = 0; round <= rounds; round += 1) {
    // Each goes first in every other round.
    const [first, second]: [Side, Side] = round % 2 === 0 ? ['ours', 'theirs'] : ['theirs', 'ours']
    const done = {
      [first]: await comparison.run(first, round),
      [second]: await comparison.run(second, round),
    } as Record<Side, Figures>
    if (round > 0) pairs.push(done)
  }
  const figures = comparison.targets.map((target, at) => {
    const ours = median(pairs.map(pair => pair.ours[at]!))
    const theirs = median(pairs.map(pair => pair.theirs[at]!))
    const ratio = median(pairs.map(pair => pair.ours[at]! / pair.theirs[at]!))
    const isReached = 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost
    const wanted = 'atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`
    return { isReached, cells: [rounded(ours), rounded(theirs), ratio.toFixed(2), wanted] }
  })
  const isReached = figures.every(figure => figure.isReached)
  const row = cells([comparison.name, ...figures.flatMap(figure => figure.cells)])
  console.log(styleText(isReached ? 'green' : 'red', row))
  return isReached
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!
}

/** Three digits, or all in front of the point. */
function rounded(figure: number): string {
  return figure.toFixed(figure < 10 ? 2 : figure < 100 ? 1 : 0)
}

function cells([name = '', ...figures]: readonly string[]): string {
  return name.padEnd(38) + figures.map(cell => cell.padStart(9)).join('')
}
