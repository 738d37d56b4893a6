/** Loads the app that a module exports. */
import { existsSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isMillraceError, MillraceError, thrownInWords } from '../base/index.ts'
import { RunnableApp } from '../index.ts'
import { firstFailure } from './first-failure.ts'

/**
 * The app is the default export, or one called `app`.
 *
 * @throws MillraceError USAGE for a module without an app, SOURCE_MISSING for no such file, APP_MODULE_FAILED
 *   when it cannot be loaded; and the errors of the app's declaration, as INVALID_TOPOLOGY
 */
export async function loadApp(path: string): Promise<RunnableApp> {
  const file = resolve(path)
  if (!existsSync(file))
    throw new MillraceError('SOURCE_MISSING', `The file '${file}' does not exist. Check the path.`)
  if (statSync(file).isDirectory())
    throw new MillraceError('USAGE', `'${path}' is a folder. Give the file in it that exports the app.`)
  const { default: byDefault, app: byName } = await importModule(file, path)
  const app = byDefault ?? byName
  if (app instanceof RunnableApp) return app
  throw new MillraceError(
    'USAGE',
    isAppOfAnother(app)
      ? `The app of '${path}' comes from another installation of millrace than this command. Use that one: npx millrace, in the project's folder.`
      : `'${path}' exports no app. Write \`export default createApp('a-name')\` there. This command runs it.`,
  )
}

async function importModule(file: string, path: string): Promise<{ default?: unknown; app?: unknown }> {
  try {
    return (await import(pathToFileURL(file).href)) as { default?: unknown; app?: unknown }
  } catch (thrown) {
    const error = firstFailure(thrown)
    // Errors of the app itself already have a sentence.
    if (isMillraceError(error)) throw error
    throw new MillraceError('APP_MODULE_FAILED', `'${path}' cannot be loaded: ${failureInWords(error)}`, {
      cause: error,
    })
  }
}

function isAppOfAnother(app: unknown): boolean {
  return typeof app === 'object' && app !== null && app.constructor.name === RunnableApp.name
}

/** The thrown error and its place: the first file of the user in the stack. */
function failureInWords(error: unknown): string {
  if (!(error instanceof Error)) return thrownInWords(error)
  const stack = error.stack ?? ''
  // A syntax error has its place in the first line, others in the lines that begin with 'at'.
  const place =
    error instanceof SyntaxError
      ? /^(?!\w*Error)\S+:\d+$/m.exec(stack)?.[0]
      : /\bfile:\/\/[^\s)]+:\d+:\d+/.exec(stack)?.[0]
  return `${error.name}: ${error.message}${place === undefined ? '' : `\n    at ${place}`}`
}
