import { KeyedState } from '../../state/index.ts'
import type { GraphNode, OperatorNode } from '../plan/graph.ts'
import type { Plan } from '../plan/plan.ts'
import { Metrics } from './metrics.ts'
import { Task } from './task.ts'

/** The names of the states that the operators of a plan ask for, learned by making each task once. */
export function stateNames(plan: Plan): ReadonlyMap<GraphNode, readonly string[]> {
  const names = new Map<GraphNode, string[]>()
  const environment = {
    metrics: new Metrics(),
    exchange: () => {},
    output: () => {},
    monotonic: () => 0,
    now: () => 0,
    state: (_task: Task, node: OperatorNode, name: string) => {
      const own = names.get(node) ?? []
      names.set(node, own)
      own.push(name)
      return new KeyedState<unknown>(name)
    },
  }
  for (const stage of plan.stages) void new Task(stage, 0, environment, Number.NEGATIVE_INFINITY)
  return names
}
