// What failed, and at the end one line that counts, led by COUNTED_AS.
export default async function* (events) {
  const count = { passed: 0, failed: 0, skipped: 0 }
  for await (const { type, data } of events) {
    if (type === 'test:stderr' || type === 'test:stdout') yield data.message
    if ((type !== 'test:pass' && type !== 'test:fail') || data.details?.type === 'suite') continue
    // A file is reported as a test too; only the tests in it count.
    if (data.nesting === 0 && data.name.includes('.test.') && type === 'test:pass') continue
    if (data.skip !== undefined) count.skipped += 1
    else if (type === 'test:pass') count.passed += 1
    else {
      count.failed += 1
      const error = data.details.error
      yield `${data.file ?? ''} ${data.name}\n  ${error?.cause?.stack ?? error?.stack ?? error}\n`
    }
  }
  yield `${process.env.COUNTED_AS}: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped\n`
}
