/**
 * Makes the start of the command line quick: Node looks at the disk several times for each of some hundred
 * small modules. Imports none of them, so that an older Node can run it.
 */
import module from 'node:module'

/** The folder of all modules of millrace. */
const folder = new URL('..', import.meta.url).href
const isBuilt = import.meta.url.endsWith('.js')

/** To be called before the first module that takes part is imported. */
export function quickStart(): void {
  // V8's code is kept for the next start, in the folder for temporary files.
  if ('enableCompileCache' in module) module.enableCompileCache()
  // Built modules import each other by file names. Node need not look for links, manifests and formats.
  if (isBuilt && 'registerHooks' in module)
    module.registerHooks({
      resolve: (specifier, context, next) =>
        specifier.startsWith('.') && context.parentURL?.startsWith(folder) === true
          ? { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true }
          : next(specifier, context),
    })
}
