/** docs/compatibility.md, from the results of a run. */
import type { CaseResult, Client } from './client-programs.ts'
import { deviations, reasons } from './deviations.ts'

const clients: readonly (readonly [Client, string])[] = [
  ['Java', 'Apache Kafka’s own clients: producer, consumer, Admin'],
  ['Kafka tools', 'its command-line tools'],
  ['Python', 'confluent-kafka, which is librdkafka'],
  ['kcat', 'librdkafka from a shell'],
  ['Go', 'franz-go'],
  ['kafkajs', 'kafkajs, with old versions of the protocol'],
  ['Platformatic', '@platformatic/kafka'],
]

/** The page; `found` is what each client's programs printed, in their order. */
export function compatibilityPage(found: ReadonlyMap<Client, readonly CaseResult[]>): string {
  const total = [...found.values()].reduce((sum, results) => sum + results.length, 0)
  const numbers = Object.keys(reasons)
  const areas = [...new Set(clients.flatMap(([client]) => found.get(client)?.map(({ area }) => area) ?? []))]
  const mark = (client: Client, area: string, name: string): string => {
    if (!found.get(client)?.some(each => each.area === area && each.case === name)) return ''
    const known = deviations.find(each => each.client === client && each.area === area && each.case === name)
    return known ? `(${numbers.indexOf(known.reason) + 1})` : '='
  }
  const sections = areas.map(area => {
    const using = clients.filter(([client]) => found.get(client)?.some(each => each.area === area))
    const names = new Set(
      using.flatMap(([client]) =>
        found.get(client)!.flatMap(each => (each.area === area ? [each.case] : [])),
      ),
    )
    const rows = Array.from(
      names,
      name => `| ${[escaped(name), ...using.map(([client]) => mark(client, area, name))].join(' | ')} |`,
    )
    return [
      `## ${area[0]!.toUpperCase()}${area.slice(1)}\n`,
      `| case | ${using.map(([client]) => client).join(' | ')} |`,
      `| --- | ${using.map(() => '---').join(' | ')} |`,
      ...rows,
      '',
    ].join('\n')
  })
  return [
    '# Compatibility with Apache Kafka\n',
    `\`npm run test:peers\` runs ${total} cases through the clients below, against millrace and against Apache`,
    'Kafka 4.3.1 in the same run, and compares what the clients see. This page is what that run gave; the test',
    'fails while it differs.\n',
    ...clients.map(([client, what]) => `- **${client}**: ${what}.`),
    '\n`=`: the same answer as Apache Kafka gives. A number: another one, for this reason:\n',
    ...Object.values<string>(reasons).map((reason, index) => wrapped(`${index + 1}. ${reason}`, '   ')),
    '',
    ...sections,
  ].join('\n')
}

/** Lines of at most 110 columns; those after the first begin with `indent`. */
function wrapped(text: string, indent: string): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1)!
    if (line === '') lines[lines.length - 1] = word
    else if (line.length + 1 + word.length <= 110) lines[lines.length - 1] = `${line} ${word}`
    else lines.push(`${indent}${word}`)
  }
  return lines.join('\n')
}

function escaped(text: string): string {
  return text.replaceAll(/[|\\*_<>`]/g, character => `\\${character}`)
}
