/** Loads the app that a module exports. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MillraceError } from '../base/index.ts'
import { RunnableApp } from '../index.ts'

/** The app is the default export, or one called `app`. USAGE for anything else, SOURCE_MISSING for no such file. */
export async function loadApp(path: string): Promise<RunnableApp> {
  const file = resolve(path)
  if (!existsSync(file)) throw new MillraceError('SOURCE_MISSING', `There is no file '${file}'.`)
  const module = (await import(pathToFileURL(file).href)) as {
    readonly default?: unknown
    readonly app?: unknown
  }
  const app = module.default ?? module.app
  if (app instanceof RunnableApp) return app
  throw new MillraceError(
    'USAGE',
    `'${path}' exports no app: write \`export default createApp('a-name')\` there, and leave running it to this command.`,
  )
}
