import { equal, match } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { nodeMajorMin, tooOld } from './node-version.ts'

test("refuses a Node that is older than the package's bound", () => {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  equal((JSON.parse(manifest) as { engines: { node: string } }).engines.node, `>=${nodeMajorMin}`)
  match(tooOld('20.20.2') ?? '', /20\.20\.2.*24/)
  equal(tooOld('24.0.0'), undefined)
  equal(tooOld(process.versions.node), undefined)
})
