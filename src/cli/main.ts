#!/usr/bin/env node
/** The command line: `millrace <command>`. One file per command. */
import process from 'node:process'
import { tooOld } from './node-version.ts'
import { quickStart } from './quick-start.ts'

const refusal = tooOld(process.versions.node)
if (refusal === undefined) {
  quickStart()
  const [{ runCli }, { terminal }] = await Promise.all([import('./cli.ts'), import('./terminal.ts')])
  process.exitCode = await runCli(process.argv.slice(2), terminal())
} else {
  process.stderr.write(`${refusal}\n`)
  process.exitCode = 1
}
