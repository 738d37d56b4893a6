/**
 * Optional drivers are imported where they are used; a missing one is an error that names the package to
 * install.
 */
import { MillraceError } from '../base/index.ts'

const missingCodes = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

/**
 * Imports a driver.
 *
 * @param load the import itself, written out where it is used so that its types are known there
 * @throws MillraceError MISSING_DRIVER where the package, or its binary for this platform, is not installed
 */
export async function loadDriver<T>(packageName: string, use: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown }
    if (!missingCodes.has(String(code))) throw error
    throw new MillraceError(
      'MISSING_DRIVER',
      `${use} needs the package ${packageName}, which could not be loaded (${String(message).split('\n')[0]}). Install it: npm install ${packageName}`,
      { cause: error },
    )
  }
}
