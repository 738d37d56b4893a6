/**
 * `millrace app list`, `app reset <name> --to <where>` and `app delete <name>`: the offsets and state that
 * the log keeps for apps.
 */
import { Command } from 'commander'
import { MillraceError } from '../../base/index.ts'
import type { ResetTarget } from '../../port/index.ts'
import { listApps, resetApp, type AppDescription } from '../../stream/index.ts'
import { dataOption, withExistingLog, withLogToRead } from '../data-option.ts'
import { positionsInWords } from '../positions.ts'
import { toOption } from '../reset-target.ts'
import type { Terminal } from '../terminal.ts'

interface Options {
  readonly data: string
  readonly json?: boolean
}

export function appCommand(terminal: Terminal): Command {
  const list = new Command('list')
    .description('list the apps that have run, with their state and the position of each input')
    .addOption(dataOption())
    .option('--json', 'one JSON object per line')
    .action(({ data, json }: Options) =>
      withLogToRead(data, async ({ port }) => {
        for (const app of await listApps(port))
          await terminal.write(json ? `${JSON.stringify(app)}\n` : inWords(app))
      }),
    )
  const reset = new Command('reset')
    .description('move the inputs of an app and delete its state; its output topics stay')
    .argument('<app>')
    .addOption(toOption())
    .addOption(dataOption())
    .action((name: string, { data, to }: Options & { readonly to: ResetTarget }) =>
      withExistingLog(data, async ({ port }) => {
        await terminal.write(inWords(await resetApp(port, name, to)))
        terminal.note(`The next run of ${name} begins there, without state. Its output topics are unchanged.`)
      }),
    )
  const remove = new Command('delete')
    .description('delete the state and offsets of an app; its output topics stay')
    .argument('<app>')
    .addOption(dataOption())
    .action((name: string, { data }: Options) =>
      withExistingLog(data, async log => {
        if (!(await log.deleteApp(name)))
          throw new MillraceError(
            'INVALID_ARGUMENT',
            `The log in ${data} has no app '${name}'. See 'millrace app list'.`,
          )
        terminal.note(`Deleted the state and offsets of ${name}. Its output topics are unchanged.`)
      }),
    )
  return new Command('app')
    .description('show the apps of a log, move their inputs, delete them')
    .addCommand(list)
    .addCommand(reset)
    .addCommand(remove)
}

function inWords({ app, finished, inputs, instances }: AppDescription): string {
  const state = finished ? 'finished' : instances === undefined ? 'not finished' : 'stopped'
  return `${app}\t${state}\n${positionsInWords(inputs)}`
}
