// Runs test files one after the other in this process: node --import ./no-promise-hooks.js share.js <file>…
import process from 'node:process'
import { pathToFileURL } from 'node:url'

for (const file of process.argv.slice(2)) await import(pathToFileURL(file).href)
