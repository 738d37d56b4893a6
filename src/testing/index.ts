/** testing: tools for the tests of programs that use millrace. */
export {
  testApp,
  type TestApp,
  type TestInput,
  type TestOutput,
  type TestRecord,
  type TestResult,
} from './test-app.ts'
