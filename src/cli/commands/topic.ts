/** `millrace topic`: lists, describes and creates topics, and alters their configs. */
import { Command } from 'commander'
import type { Log } from '../../index.ts'
import { missingTopic, type Reason } from '../../port/index.ts'
import { dataOption, withLogToRead } from '../data-option.ts'
import { counted } from '../numbers.ts'
import type { Terminal } from '../terminal.ts'
import { alterTopic, createTopic, showConfigs } from '../topic-configs.ts'

interface Options {
  readonly data: string
  readonly internal?: boolean
  readonly json?: boolean
}

export function topicCommand(terminal: Terminal): Command {
  const list = new Command('list')
    .description('list topics')
    .addOption(dataOption())
    .option('--internal', 'include internal topics')
    .option('--json', 'one JSON object per line')
    .action(({ data, internal, json }: Options) =>
      withLogToRead(data, async log => {
        for (const { name, partitions } of await log.port.listTopics({ internal: internal ?? false }))
          await terminal.write(
            json
              ? `${JSON.stringify({ name, partitions })}\n`
              : `${name}\t${counted(partitions, 'partition')}\n`,
          )
      }),
    )
  const describe = new Command('describe')
    .description('show the partitions of a topic: their first and next offset, and what is wrong with them')
    .argument('<topic>')
    .addOption(dataOption())
    .option('--json', 'one JSON object per line')
    .action((name: string, { data, json }: Options) =>
      withLogToRead(data, async log => {
        for (const partition of await partitionsOf(log, name))
          await terminal.write(`${json ? JSON.stringify(partition) : asLine(name, partition)}\n`)
      }),
    )
  return new Command('topic')
    .description('show and create topics, change their configs')
    .addCommand(list)
    .addCommand(describe)
    .addCommand(createTopic(terminal))
    .addCommand(showConfigs(terminal))
    .addCommand(alterTopic(terminal))
}

interface ShownPartition {
  readonly partition: number
  readonly start: number
  readonly end: number
  readonly failure?: Reason
  readonly uncleanable?: Reason
}

async function partitionsOf({ port, admin }: Log, name: string): Promise<ShownPartition[]> {
  const topic = await port.describeTopic(name)
  if (!topic) throw missingTopic(name, { advice: "See 'millrace topic list'." })
  const partitions = await admin.describePartitions(name)
  return partitions.map(({ partition, startOffset: start, endOffset: end, ...wrong }) => ({
    partition,
    start,
    end,
    ...wrong,
  }))
}

function asLine(topic: string, { partition, start, end, failure, uncleanable }: ShownPartition): string {
  const refuses = failure ? `\trefuses: ${failure.message}` : ''
  const kept = uncleanable ? `\tnot compacted: ${uncleanable.message}` : ''
  return `${topic}-${partition}\tfrom ${start}\tto ${end}${refuses}${kept}`
}
