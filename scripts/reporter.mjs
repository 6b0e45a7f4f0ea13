// How `npm test` speaks: a line for each file, failures in full, and the count as the last line.
import { relative } from 'node:path'
import { inspect } from 'node:util'

export default async function* report(events) {
  let total = { passed: 0, failed: 0, cancelled: 0, skipped: 0 }
  for await (const { type, data } of events) {
    if (type === 'test:fail' && isCause(data)) yield describe(data)
    else if (type === 'test:stdout' || type === 'test:stderr') yield data.message
    else if (type === 'test:summary' && data.file !== undefined) yield lineFor(data)
    else if (type === 'test:summary') total = data.counts
  }
  const { passed, failed, cancelled, skipped } = total
  if (skipped > 0) yield `${skipped} skipped\n`
  yield `${passed} passed, ${failed + cancelled} failed\n`
}

/** A suite fails with what it contains; saying so again would hide the reason. */
function isCause({ details }) {
  return details.error?.failureType !== 'subtestsFailed'
}

function describe({ name, file, line, details }) {
  const where = file === undefined ? '' : ` (${relative('.', file)}:${line})`
  return `\n✖ ${name}${where}\n${inspect(details.error?.cause ?? details.error)}\n\n`
}

function lineFor({ file, counts, duration_ms: ms }) {
  const mark = counts.failed + counts.cancelled > 0 ? '✖' : '✔'
  return `${mark} ${relative('.', file)}: ${counts.tests} in ${(ms / 1000).toFixed(1)} s\n`
}
