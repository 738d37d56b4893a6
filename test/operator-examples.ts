/**
 * The examples of docs/operator-examples.md and docs/coming-from.md as a module: each is a function over the
 * inputs that the first page shows. The lines behind `//` at the end of an example are what it writes.
 */
import { resolve } from 'node:path'
import { textOf } from './documents.ts'

export const page = 'docs/operator-examples.md'
const sources = resolve(import.meta.dirname, '../src/index.ts')

/** An example, and what it writes. */
export interface OperatorExample {
  readonly code: string
  readonly writes: readonly string[]
}

const blocksOf = (from: string): string[] =>
  Array.from(textOf(from).matchAll(/^```ts\n(.*?)^```$/gms), ([, block = '']) => block)
const [inputs = '', ...blocks] = blocksOf(page)

/** The examples of operators. */
export const operatorExamples: readonly OperatorExample[] = blocks.map(exampleOf)

/** All examples: also the programs beside those of other systems. */
export const examples: readonly OperatorExample[] = [
  ...operatorExamples,
  ...blocksOf('docs/coming-from.md').map(exampleOf),
]

function exampleOf(block: string): OperatorExample {
  const lines = block.trimEnd().split('\n')
  const isResult = (line: string): boolean => line.startsWith('// ')
  return {
    code: lines.filter(line => !isResult(line)).join('\n'),
    writes: lines.filter(isResult).map(line => line.slice(3)),
  }
}

/** A module that exports the topics of the inputs, and a list of functions that make the app of each. */
export function moduleOfExamples(): string {
  const functions = examples.map(({ code }) => `  () => {\n${inputs}\n${code}\n    return app\n  },`)
  return `import { createApp, json, output, session, text, topic, tumbling, valueState } from '${sources}'
const watermark = { outOfOrderness: 0 }
export const topics = {
  orders: topic('orders', { key: text(), value: json<{ cents: number; items: string[] }>(), watermark }),
  payments: topic('payments', { key: text(), value: json<number>(), watermark }),
  cities: topic('cities', { key: text(), value: json<string>() }),
  prices: topic('prices', { key: text(), value: json<number>() }),
}
export const out = topic('out', { key: json<unknown>(), value: json<unknown>() })
export const programs = [
${functions.join('\n')}
]
`
}
