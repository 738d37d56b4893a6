// Loaded before tests (node --import): keeps Node's test runner from following every promise.
//
// The runner asks for async hooks, to tell which test an uncaught error belongs to. With them a promise
// costs 3 µs instead of 0.1, and our tests are made of promises. Without them an uncaught error still fails
// the run, as a diagnostic of its file. Hooks follow everything else as before: a `before` belongs to the
// `describe` that it is in, whose function must not wait.
import { createHook } from 'node:async_hooks'

// What createHook's option trackPromises sets (https://nodejs.org/api/async_hooks.html).
const withoutPromises = Object.getOwnPropertySymbols(createHook({ trackPromises: false })).find(
  symbol => symbol.description === 'kNoPromiseHook',
)
if (withoutPromises === undefined)
  throw new Error('Node has changed its async hooks: fit tools/no-promise-hooks.js')

const hooks = Object.getPrototypeOf(createHook({}))
const { enable } = hooks
hooks.enable = function enableWithoutPromises() {
  this[withoutPromises] = true
  return enable.call(this)
}
