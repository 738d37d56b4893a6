/** The plan for people and programs: as text, as a Mermaid flowchart, or as JSON. */
import { unreachable } from '../../base/index.ts'
import type { GraphNode } from './graph.ts'
import type { Plan, Stage } from './plan.ts'

export type DescriptionFormat = 'text' | 'mermaid' | 'json'

export function describePlan(app: string, plan: Plan, format: DescriptionFormat): string {
  switch (format) {
    case 'text':
      return asText(app, plan)
    case 'mermaid':
      return asMermaid(plan)
    case 'json':
      return JSON.stringify(asData(app, plan), undefined, 2)
    default:
      return unreachable(format)
  }
}

function asText(app: string, plan: Plan): string {
  const lines = [`app ${app}`, ...plan.globals.map(topic => `  ${globalTable(topic)}`)]
  for (const stage of plan.stages) {
    lines.push(
      `  stage ${stage.id}${stage.incoming.length > 0 ? ` (from ${stage.incoming.map(({ exchange }) => exchange.name).join(', ')})` : ''}`,
    )
    for (const node of stage.nodes) {
      const inputs = node.inputs.map(({ from, outlet }) => from.name + outletName(from, outlet))
      lines.push(`    ${node.name}: ${labelOf(node)}${inputs.length > 0 ? ` ← ${inputs.join(', ')}` : ''}`)
    }
  }
  return lines.join('\n')
}

function asMermaid(plan: Plan): string {
  const lines = ['flowchart TD']
  const quoted = (text: string): string => `"${text.replaceAll('"', '#quot;')}"`
  plan.globals.forEach((topic, n) => lines.push(`  g${n}[${quoted(globalTable(topic))}]`))
  for (const stage of plan.stages) {
    lines.push(`  subgraph stage${stage.id} [${quoted(`stage ${stage.id}`)}]`)
    for (const node of stage.nodes) lines.push(`    n${node.id}[${quoted(`${node.name}: ${labelOf(node)}`)}]`)
    lines.push('  end')
  }
  for (const { nodes } of plan.stages)
    for (const node of nodes)
      for (const { from, outlet } of node.inputs) {
        const name = outletName(from, outlet)
        lines.push(`  n${from.id} -->${name ? `|${quoted(name.slice(1))}|` : ''} n${node.id}`)
      }
  return lines.join('\n')
}

function asData(app: string, plan: Plan): unknown {
  const stage = ({ id, nodes }: Stage): unknown => ({
    stage: id,
    nodes: nodes.map(node => ({
      name: node.name,
      kind: node.kind,
      label: labelOf(node),
      stateful: node.kind === 'operator' && node.stateful,
      inputs: node.inputs.map(({ from, outlet }) => ({ from: from.name, outlet })),
    })),
  })
  return { app, globals: plan.globals.map(({ name }) => name), stages: plan.stages.map(stage) }
}

function globalTable({ name }: { readonly name: string }): string {
  return `global table of topic ${name}`
}

function labelOf(node: GraphNode): string {
  switch (node.kind) {
    case 'source':
      return `${node.of} of topic ${node.topic.name}`
    case 'operator':
      return node.label()
    case 'exchange':
      if (node.toAll) return 'exchange to all tasks'
      return `exchange by key${node.partitions === undefined ? '' : `, ${node.partitions} partitions`}`
    case 'sink':
      return `to topic ${node.topic.name}`
  }
}

/** The name of the outlet, if the node has more than one. */
function outletName(node: GraphNode, outlet: number): string {
  return node.kind === 'operator' && node.outlets.length > 1 ? `.${node.outlets[outlet]}` : ''
}
