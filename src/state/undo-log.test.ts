/** Attempts nest. A failed one leaves no trace; a successful one keeps its changes and sends its output. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyedState } from './keyed-state.ts'
import { UndoLog } from './undo-log.ts'

function setUp(): { undo: UndoLog; state: KeyedState<number>; sent: string[]; send: (what: string) => void } {
  const undo = new UndoLog()
  const state = new KeyedState<number>('state', { undo })
  const sent: string[] = []
  return { undo, state, sent, send: what => undo.act(() => sent.push(what)) }
}

test('a failed attempt leaves state as it was, and sends nothing', () => {
  const { undo, state, sent, send } = setUp()
  state.put(0, 'kept', 1)
  state.put(0, 'deleted', 2)
  const mark = undo.begin()
  state.put(0, 'kept', 5)
  state.put(0, 'kept', 6)
  state.delete(0, 'deleted')
  state.put(0, 'new', 7)
  send('a')
  undo.fail(mark)
  assert.deepEqual([state.get(0, 'kept'), state.get(0, 'deleted'), state.get(0, 'new')], [1, 2, undefined])
  assert.deepEqual(sent, [])
  assert.equal(undo.isOpen, false)
})

test('a failed inner attempt undoes only its own changes', () => {
  const { undo, state, sent, send } = setUp()
  undo.begin()
  state.put(0, 'a', 1)
  send('outer')
  const inner = undo.begin()
  state.put(0, 'a', 2)
  send('inner')
  undo.fail(inner)
  assert.deepEqual([state.get(0, 'a'), sent], [1, []])
  undo.succeed()
  assert.deepEqual([state.get(0, 'a'), sent], [1, ['outer']])
})

test('a failed outer attempt undoes the attempts that succeeded in it', () => {
  const { undo, state, sent, send } = setUp()
  const outer = undo.begin()
  undo.begin()
  state.put(0, 'a', 2)
  send('inner')
  undo.succeed()
  undo.fail(outer)
  assert.deepEqual([state.get(0, 'a'), sent], [undefined, []])
})

test('a failed attempt restores a committed value', () => {
  const { undo, state } = setUp()
  state.put(0, 'a', 1)
  state.changes()
  state.committed(1)
  const mark = undo.begin()
  state.delete(0, 'a')
  undo.fail(mark)
  assert.equal(state.get(0, 'a'), 1)
  state.changes()
  state.committed(2)
  assert.equal(state.get(0, 'a'), 1)
})

test('outside of attempts, output is sent at once', () => {
  const { sent, send } = setUp()
  send('a')
  assert.deepEqual(sent, ['a'])
})
