/** The programs, links and headings of README and docs, for the tests that check them. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join, normalize, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')

/** README.md and docs/*.md, by path in the repository. */
export const documents: readonly string[] = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => `docs/${name}`),
]

export function textOf(document: string): string {
  return readFileSync(join(root, document), 'utf8')
}

/**
 * The programs of a document, by file name. A block that imports from millrace begins a program, which has
 * the name of the example that the preceding text links to. A block without imports continues the previous
 * program; before the first program it is part of none, as the examples of operators.
 */
export function programsOf(document: string): Map<string, string> {
  const programs = new Map<string, string>()
  let name = ''
  for (const [, before = '', block = ''] of textOf(document).matchAll(/(.*?)^```ts\n(.*?)^```$/gms)) {
    if (/^import .* from 'millrace/m.test(block))
      name =
        /.*examples\/([\w.-]+\.ts)/s.exec(before)?.[1] ??
        `${basename(document, '.md')}-${programs.size + 1}.ts`
    if (name !== '') programs.set(name, `${programs.get(name) ?? ''}${block}\n`)
  }
  return programs
}

/** Runs the app of a program that declares one over `orders`, and prints how many records it processed. */
const runIt = `
import { openLog } from 'millrace'
await using log = await openLog('./data')
await log.producer(orders).send({ key: 'ada', value: { cents: 1250 } })
console.log((await app.run({ log, until: 'now' })).records)
`

/**
 * The programs of docs/changing-a-program.md, by file name, and what each prints. They only declare apps, so
 * each gets lines that run its app over one record.
 */
export function guidePrograms(): { readonly programs: Map<string, string>; readonly prints: string } {
  const programs = programsOf('docs/changing-a-program.md')
  return { programs: new Map(Array.from(programs, ([name, text]) => [name, text + runIt])), prints: '1\n' }
}

/** The script of docs/broker.md that has this text in it. */
export function brokerScript(text: string): string {
  const scripts = Array.from(
    textOf('docs/broker.md').matchAll(/^```js\n(.*?)^```$/gms),
    ([, script = '']) => script,
  )
  const [found, ...others] = scripts.filter(script => script.includes(text))
  if (found === undefined || others.length > 0)
    throw new Error(`docs/broker.md has no single script with ${text}.`)
  return found
}

/** The script of docs/broker.md with a clock, as a program. */
export function clockProgram(): string {
  return `import { startBroker, virtualClock } from 'millrace/testing'\n${brokerScript('clock.advance')}`
}

/** The `tsconfig.json` that the README shows. */
export function readmeTsconfig(): string {
  const [, config] = /`tsconfig\.json`:\n+```json\n(.*?)^```$/ms.exec(textOf('README.md')) ?? []
  if (config === undefined) throw new Error('README.md shows no tsconfig.json')
  return config
}

/** Relative links of a document: the path in the repository, and the heading in it if the link names one. */
export function linksOf(document: string): { readonly path: string; readonly heading: string | undefined }[] {
  return [...textOf(document).matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].map(
    ([, path = '', heading]) => ({
      path: path === '' ? document : normalize(join(dirname(document), path)),
      heading,
    }),
  )
}

/** The anchors of a document's headings. */
export function headingsOf(document: string): string[] {
  return [...textOf(document).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{Letter}\p{Number}\s-]/gu, '')
      .replaceAll(/\s/g, '-'),
  )
}
