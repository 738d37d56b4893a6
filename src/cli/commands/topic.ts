/** `millrace topic`: lists, describes and creates topics, and alters their configs. */
import { Command } from 'commander'
import type { Log } from '../../index.ts'
import { missingTopic } from '../../port/index.ts'
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
    .description('show the partitions of a topic: the offsets of the first and of the next record')
    .argument('<topic>')
    .addOption(dataOption())
    .option('--json', 'one JSON object per line')
    .action((name: string, { data, json }: Options) =>
      withLogToRead(data, async log => {
        for (const partition of await partitionsOf(log, name))
          await terminal.write(
            json
              ? `${JSON.stringify(partition)}\n`
              : `${name}-${partition.partition}\tfrom ${partition.start}\tto ${partition.end}\n`,
          )
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

async function partitionsOf(
  { port }: Log,
  name: string,
): Promise<{ partition: number; start: number; end: number }[]> {
  const topic = await port.describeTopic(name)
  if (!topic) throw missingTopic(name, { advice: "See 'millrace topic list'." })
  return Promise.all(
    Array.from({ length: topic.partitions }, async (_, partition) => ({
      partition,
      start: await port.offsets(name, partition, 'earliest'),
      end: await port.offsets(name, partition, 'latest'),
    })),
  )
}
