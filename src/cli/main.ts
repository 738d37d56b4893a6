#!/usr/bin/env node
/** The command line: `millrace <command>`. One file per command. */
import process from 'node:process'
import { runCli } from './cli.ts'
import { terminal } from './terminal.ts'

process.exitCode = await runCli(process.argv.slice(2), terminal())
