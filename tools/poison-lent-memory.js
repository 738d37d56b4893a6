// Loaded before tests (node --import): memory that was lent is overwritten when it is given back, so that a
// user of bytes that are no longer valid fails.
import { poisonLentMemory } from '../src/base/lent-memory.ts'

poisonLentMemory()
