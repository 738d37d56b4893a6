/** `millrace describe app.ts`: prints the plan of the app that a module exports. */
import { Command, Option } from 'commander'
import { loadApp } from '../app-module.ts'
import type { Terminal } from '../terminal.ts'

export function describeCommand(terminal: Terminal): Command {
  return new Command('describe')
    .description('print the plan of the app that a module exports')
    .argument('<module>', 'a .ts or .js file with an app as its default export')
    .addOption(new Option('--format <format>').choices(['text', 'mermaid', 'json']).default('text'))
    .action(async (path: string, { format }: { readonly format: 'text' | 'mermaid' | 'json' }) => {
      const app = await loadApp(path)
      await terminal.write(`${app.describe(format)}\n`)
    })
}
