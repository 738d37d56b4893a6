/** Results that go nowhere: most likely the program lacks a `to`. */
import type { Plan } from './plan.ts'

/** Operators that a program may use for what their functions do. */
const acting: ReadonlySet<string> = new Set(['for-each', 'peek', 'process', 'map-async'])

/** The names of the operators whose results nothing takes. */
export function unusedResults({ stages }: Plan): string[] {
  const nodes = stages.flatMap(stage => stage.nodes)
  const taken = new Set(nodes.flatMap(({ inputs }) => inputs.map(({ from }) => from)))
  return nodes.flatMap(node =>
    node.kind === 'operator' && !acting.has(node.spec.name) && !taken.has(node) ? [node.name] : [],
  )
}

/** The notice that names them. */
export function unusedNotice(app: string, operators: readonly string[]): string {
  const names = operators.map(name => `'${name}'`).join(', ')
  return `The app '${app}' makes results that go nowhere: those of ${names}. Write them with to(topic), of windows after emit(…), or leave out what makes them.`
}
