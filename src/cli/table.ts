/** Columns that line up: numbers to the right, words to the left. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const isNumeric = (text: string) => /^[\d.~<-]/.test(text)
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const numeric = rows.slice(1).every((other) => isNumeric(other[column]!))
        return numeric ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)
      })
      .join('  ')
      .trimEnd()
  return rows.map(line).join('\n')
}
