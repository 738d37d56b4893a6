/**
 * `millrace group list`, `group describe <group>`, `group delete <group>` and
 * `group reset <group> --topic <topic> --to <where>`: consumer groups and their offsets.
 */
import { Command, InvalidArgumentError, Option } from 'commander'
import { MillraceError } from '../../base/index.ts'
import {
  type GroupDescription,
  type GroupDetails,
  type GroupPartition,
  type LogPort,
  moveOffsets,
  type OffsetMove,
  offsetMoves,
  type ResetScope,
  type ResetTarget,
  withLags,
} from '../../port/index.ts'
import { isApp } from '../../stream/index.ts'
import { dataOption, withExistingLog, withLogToRead } from '../data-option.ts'
import { counted } from '../numbers.ts'
import { positionsInWords } from '../positions.ts'
import { toOption } from '../reset-target.ts'
import type { Terminal } from '../terminal.ts'

interface ListOptions {
  readonly data: string
  readonly json?: boolean
}

interface ResetOptions {
  readonly data: string
  readonly to: ResetTarget
  readonly topic?: ResetScope
  readonly allTopics?: boolean
  readonly dryRun?: boolean
}

export function groupCommand(terminal: Terminal): Command {
  const list = new Command('list')
    .description('list the consumer groups, with their committed offsets and lag')
    .addOption(dataOption())
    .option('--json', 'one JSON object per line')
    .action(({ data, json }: ListOptions) =>
      withLogToRead(data, async ({ port }) => {
        for (const group of await consumerGroups(port)) {
          const partitions = await withLags(port, group.offsets)
          const { group: name } = group
          await terminal.write(
            json ? `${JSON.stringify({ group: name, partitions })}\n` : inWords(name, partitions),
          )
        }
      }),
    )
  const describe = new Command('describe')
    .description('show the state of a consumer group, its members and what they have')
    .argument('<group>')
    .addOption(dataOption())
    .option('--json', 'as JSON')
    .action((group: string, { data, json }: ListOptions) =>
      withLogToRead(data, async ({ port }) => {
        const found = await port.admin.describeGroup(group)
        if (!found) throw unknown(group)
        const partitions = await withLags(port, found.offsets)
        await terminal.write(
          json
            ? `${JSON.stringify({ ...found, offsets: undefined, partitions })}\n`
            : detailsInWords(found, partitions),
        )
      }),
    )
  const remove = new Command('delete')
    .description('delete a consumer group without members, with its offsets')
    .argument('<group>')
    .addOption(dataOption())
    .action((group: string, { data }: ListOptions) =>
      withExistingLog(data, async ({ port }) => {
        if (await isApp(port, group)) throw isOfApp(group)
        await port.admin.deleteGroup(group)
        terminal.note(`The group ${group} is deleted.`)
      }),
    )
  const reset = new Command('reset')
    .description('move the committed offsets of a consumer group without active members')
    .argument('<group>')
    .addOption(toOption())
    .addOption(
      new Option('-t, --topic <topic>', "the topic; 'orders:0,2' for some of its partitions").argParser(
        scopeOf,
      ),
    )
    .option('--all-topics', 'all partitions that the group has committed')
    .option('--dry-run', 'show the changes without making them')
    .addOption(dataOption())
    .action((group: string, { data, to, topic, allTopics, dryRun }: ResetOptions) =>
      (dryRun ? withLogToRead : withExistingLog)(data, async ({ port }) => {
        const scope = chosen(topic, allTopics)
        if (await isApp(port, group)) throw isOfApp(group)
        const moves = await offsetMoves(port, group, scope, to)
        if (!dryRun) await moveOffsets(port, group, moves)
        for (const move of moves) await terminal.write(moveInWords(move))
        if (dryRun) terminal.note(`Nothing was changed. Without --dry-run ${group} would continue there.`)
        else terminal.note(`${group} continues there.`)
      }),
    )
  return new Command('group')
    .description('show consumer groups, move their offsets, delete them')
    .addCommand(list)
    .addCommand(describe)
    .addCommand(remove)
    .addCommand(reset)
}

async function consumerGroups(port: LogPort): Promise<GroupDescription[]> {
  const groups: GroupDescription[] = []
  for (const group of await port.listGroups()) if (!(await isApp(port, group.group))) groups.push(group)
  return groups.toSorted((one, other) => (one.group < other.group ? -1 : 1))
}

function inWords(group: string, partitions: readonly GroupPartition[]): string {
  return `${group}\n${positionsInWords(partitions)}`
}

/** A group that is open elsewhere is shown as it was last kept. */
function detailsInWords(found: GroupDetails, partitions: readonly GroupPartition[]): string {
  const { group, state, protocol, generation, members } = found
  const shares = protocol === undefined ? '' : `, shares by ${protocol}`
  const lines = members.map(({ memberId, instanceId, assignment }) => {
    const has = assignment.map(({ topic, partition }) => `${topic}-${partition}`).join(' ') || 'nothing'
    return `  ${memberId}${instanceId === undefined ? '' : ` (${instanceId})`}\thas ${has}\n`
  })
  const head = `${group}\t${state}, ${counted(members.length, 'member')}, generation ${generation}${shares}\n`
  return head + lines.join('') + positionsInWords(partitions)
}

function unknown(group: string): MillraceError {
  return new MillraceError(
    'UNKNOWN_GROUP',
    `There is no group '${group}' over this log. See 'millrace group list'.`,
  )
}

function moveInWords({ topic, partition, before, after }: OffsetMove): string {
  return `${topic}-${partition}\t${before ?? 'none'} -> ${after}\n`
}

function chosen(topic: ResetScope | undefined, allTopics: boolean | undefined): ResetScope {
  if (topic && allTopics) throw new MillraceError('USAGE', 'Give --topic or --all-topics, not both.')
  if (topic) return topic
  if (allTopics) return 'all topics'
  throw new MillraceError('USAGE', 'Say which offsets to move: --topic orders, or --all-topics.')
}

function scopeOf(text: string): ResetScope {
  const [topic = '', list, ...more] = text.split(':')
  if (list === undefined) return { topic }
  if (more.length > 0 || !/^\d{1,6}(,\d{1,6})*$/.test(list))
    throw new InvalidArgumentError("Write a topic, or a topic with its partitions, as 'orders:0,2'.")
  return { topic, partitions: [...new Set(list.split(',').map(Number))] }
}

function isOfApp(group: string): MillraceError {
  return new MillraceError(
    'INVALID_ARGUMENT',
    `'${group}' is an app: its state belongs to its input offsets. Move both with 'millrace app reset ${group} --to <where>'.`,
  )
}
