/** testing: tools for the tests of programs that use millrace. */
export {
  testApp,
  type TestApp,
  type TestAppOptions,
  type TestDeadLetter,
  type TestInput,
  type TestOutput,
  type TestRecord,
  type TestResult,
} from './test-app.ts'
export {
  logPortConformance,
  type ConformanceCase,
  type LogPortConformance,
  type PortUnderTest,
} from '../port/conformance/index.ts'
export { seededRandom, type Random } from '../base/index.ts'
