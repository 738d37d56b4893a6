/** `millrace run app.ts`: runs the app that a module exports, until stopped or to the end. */
import { Command, Option } from 'commander'
import { loadApp } from '../app-module.ts'
import { dataOption } from '../data-option.ts'
import { counted, parseDuration } from '../numbers.ts'
import type { Terminal } from '../terminal.ts'

interface Options {
  readonly data: string
  readonly until?: 'end' | 'now'
  readonly restart?: boolean
  readonly forget?: string[]
  readonly guarantee?: 'exactly-once' | 'at-least-once'
  readonly commitInterval?: number
}

export function runCommand(terminal: Terminal): Command {
  return new Command('run')
    .description('run the app that a module exports, until Ctrl-C')
    .argument('<module>', 'a .ts or .js file with an app as its default export')
    .addOption(dataOption())
    .addOption(
      new Option(
        '--until <when>',
        "stop at the input's present end: 'end' closes all windows for good, after 'now' the next run continues",
      ).choices(['end', 'now']),
    )
    .option('--restart', 'delete offsets and state, and begin from the start')
    .option('--forget <operators...>', 'delete the state of operators that the app no longer has')
    .addOption(new Option('--guarantee <which>').choices(['exactly-once', 'at-least-once']))
    .option('--commit-interval <duration>', "time between commits, as '100ms'", parseDuration)
    .action(async (path: string, { data, ...options }: Options) => {
      const app = await loadApp(path)
      terminal.note(`${app.name} runs over ${data}. Ctrl-C commits and leaves.`)
      const { records, metrics } = await app.run({
        ...options,
        data,
        signal: terminal.signal,
        onNotice: message => terminal.note(message),
      })
      const dropped = Object.entries(metrics.dropped).filter(([, count]) => count > 0)
      terminal.note(
        `${app.name} processed ${counted(records, 'record')} in ${counted(metrics.commits, 'commit')}.` +
          (dropped.length > 0
            ? ` Not taken further: ${dropped.map(([reason, count]) => `${String(count)} ${reason}`).join(', ')}.`
            : ''),
      )
    })
}
