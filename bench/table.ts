/** Prints rows under a title, aligned: the first row names the columns; numbers stand to the right. */
export function printTable(
  title: string,
  rows: readonly (readonly string[])[],
  notes: readonly string[] = [],
): void {
  const widthOf = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  const line = (row: readonly string[]) =>
    row.map((cell, at) => (at === 0 ? cell.padEnd(widthOf(at)) : cell.padStart(widthOf(at))))
  console.log(`\n${title}\n`)
  for (const row of rows) console.log(`  ${line(row).join('   ').trimEnd()}`)
  if (notes.length > 0) console.log('')
  for (const note of notes) console.log(`  ${note}`)
}

/** The middle one: single runs on a shared machine vary by half. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle) - 1]!) / 2
}
