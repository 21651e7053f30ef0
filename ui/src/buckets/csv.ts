/** The rows of a CSV, quotes and line breaks in cells included (RFC 4180). */
export function csvRows(text: string, comma: string, isCut: boolean): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const letter = text[at]!
    if (quoted) {
      if (letter !== '"') cell += letter
      else if (text[at + 1] === '"') { cell += '"'; at++ }
      else quoted = false
    } else if (letter === '"' && cell === '') quoted = true
    else if (letter === comma) { row.push(cell); cell = '' }
    else if (letter === '\n') { rows.push([...row, cell.replace(/\r$/, '')]); row = []; cell = '' }
    else cell += letter
  }
  // What was cut in the middle of a row is not shown as if it were one.
  if (!isCut && (cell || row.length)) rows.push([...row, cell])
  return rows
}
