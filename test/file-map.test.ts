/** The lists of files in docs/ARCHITECTURE.md match the tree: every source file once, and no other. */
import { deepEqual, ok } from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { textOf } from './documents.ts'

const root = resolve(import.meta.dirname, '..')
const page = 'docs/ARCHITECTURE.md'

/** The folders whose files are listed, including their subfolders. */
const listed = ['src/wire', 'src/stream', 'src/state', 'src/log', 'src/port', 'src/broker', 'src/connect']

/** The listed files: `src/port/log.ts`, in the order of the page. A block is a folder, then its files. */
function filesInPage(): string[] {
  const [, section = ''] = /^### Files, room by room\n(.*?)^#/ms.exec(textOf(page)) ?? []
  const blocks = Array.from(section.matchAll(/^```text\n(.*?)^```$/gms), ([, block = '']) => block)
  return blocks.flatMap(block => {
    const [folder, ...lines] = block.trimEnd().split('\n')
    return lines.map(line => {
      const [, name, phrase] = /^ {2}(\S+\.ts) +(\S.*)$/.exec(line) ?? []
      ok(name !== undefined && phrase !== undefined, `a line of ${page} is a file and what it holds: ${line}`)
      return `${folder}/${name}`
    })
  })
}

/** A file that the protocol names, by the key of its request: its folder has a table of them. */
function isNumbered(path: string): boolean {
  return /(^|[/\\])\d+-[a-z-]+\.ts$/.test(path)
}

function filesInTree(): string[] {
  return listed.flatMap(folder =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.ts') && !/\.test(-support)?\.ts$/.test(name) && !isNumbered(name))
      .map(name => `${folder}/${name.replaceAll('\\', '/')}`),
  )
}

test('docs/ARCHITECTURE.md lists each source file once, and no other', () => {
  const inPage = filesInPage()
  const inTree = filesInTree()
  deepEqual(
    {
      notListed: inTree.filter(file => !inPage.includes(file)),
      notThere: inPage.filter(file => !inTree.includes(file)),
      twice: inPage.filter((file, at) => inPage.indexOf(file) !== at),
    },
    { notListed: [], notThere: [], twice: [] },
  )
})

for (const folder of ['src/broker/handlers', 'src/wire/messages'])
  test(`each request of ${folder} is in its table`, () => {
    const table = textOf(`${folder}/index.ts`)
    const files = readdirSync(join(root, folder)).filter(name => isNumbered(name))
    ok(files.length > 0)
    deepEqual(
      files.filter(name => !table.includes(`'./${name}'`)),
      [],
    )
  })
