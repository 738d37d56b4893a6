/** The tests of docs/broker.md, from the packed package, under the runners that they name, with kafkajs. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { brokerScript } from '../documents.ts'
import { npm } from './runtimes.ts'

const root = resolve(import.meta.dirname, '../..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
/** The runners and kafkajs, with all that they depend on. */
const pinned = join(import.meta.dirname, 'runners')

/** The environment without what makes a test runner of Node report to this one. */
const { NODE_TEST_CONTEXT: _, ...outside } = process.env

describe('a broker inside a test', () => {
  const project = mkdtempSync(join(tmpdir(), 'millrace-runners-'))
  after(() => rmSync(project, { recursive: true, force: true }))
  before(() => {
    npm(root, 'pack', '--pack-destination', project)
    cpSync(pinned, project, { recursive: true })
    const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
    npm(project, 'ci', ...flags)
    npm(project, 'install', '--no-save', ...flags, `millrace-${version}.tgz`)
  })

  const run = (file: string, text: string, ...args: readonly string[]): string => {
    writeFileSync(join(project, file), text)
    return execFileSync(process.execPath, [...args, file], {
      cwd: project,
      encoding: 'utf8',
      stdio: 'pipe',
      env: { ...outside, KAFKAJS_NO_PARTITIONER_WARNING: '1' },
    })
  }

  it('works with node:test', () => {
    assert.match(run('orders.test.js', brokerScript("'node:test'"), '--test'), /pass 1\b/)
  })

  it('works with Vitest', () => {
    const vitest = 'node_modules/vitest/vitest.mjs'
    assert.match(run('orders.vitest.test.js', brokerScript("'vitest'"), vitest, 'run'), /1 passed/)
  })

  it('works with Jest', () => {
    const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js']
    run('orders.jest.test.js', brokerScript('beforeAll'), ...jest)
  })
})
