/** The beginning of an object, as what it is: a table (CSV or Parquet), JSON, text, or an image. */
import { objectUrl, useLoaded } from '../api'
import { bytes } from '../format'
import { Problem } from '../parts/page'
import { csvRows } from './csv'
import { Parquet } from './parquet'

/** Bytes that are read of a text. */
const MOST = 64_000
/** An image is shown whole, up to here. */
const LARGEST_IMAGE = 20_000_000
const ROWS = 200
const IMAGES: Record<string, string> = { png: 'image/png', jpg: 'image/jpeg', jpeg: 'image/jpeg', gif: 'image/gif', webp: 'image/webp', svg: 'image/svg+xml' }

interface Shown { uri: string; size: number; type: string }

export function Preview({ uri, size, type }: Shown) {
  const ending = uri.slice(uri.lastIndexOf('.') + 1).toLowerCase()
  const image = type.startsWith('image/') ? type : IMAGES[ending]
  if (!size) return <p class="dim">It is empty.</p>
  if (image && size <= LARGEST_IMAGE) return <div class="preview"><img src={objectUrl(uri, `&type=${encodeURIComponent(image)}`)} alt={uri} /></div>
  return <Text uri={uri} size={size} type={type} ending={ending} />
}

function Text({ uri, size, type, ending }: Shown & { ending: string }) {
  const loaded = useLoaded(() => begin(uri, size), [uri])
  const text = loaded.value?.text
  if (!loaded.value) return <Problem error={loaded.error} />
  if (loaded.value.parquet) return <Parquet uri={uri} />
  if (text === undefined) return <p class="dim">It is no text: download it to look inside.</p>
  const cut = size > MOST
  const name = uri.slice(uri.lastIndexOf('/') + 1)
  const rest = cut && <p class="dim">The first {bytes(MOST)} of {bytes(size)}.</p>
  const isCsv = type.includes('csv') || (!name.includes('.') && looksLikeRows(text))
  const table = isCsv || ending === 'csv' || ending === 'tsv' ? csvRows(text, ending === 'tsv' ? '\t' : ',', cut) : []
  if (table.length) return <>{rest}<Csv rows={table} /></>
  return <>{rest}<div class="preview" tabIndex={0} role="region" aria-label="Preview"><pre class="whole">{ending === 'json' || type.includes('json') ? laidOut(text) : text}</pre></div></>
}

/** What KFP's tasks write has no ending: several lines with as many commas are rows. */
function looksLikeRows(text: string): boolean {
  const counts = text.trim().split('\n', 6).slice(0, 5).map(line => line.split(',').length)
  return counts.length > 1 && counts[0]! > 1 && counts.every(count => count === counts[0]) && !/^\s*[[{<]/.test(text)
}

/** What it is, is known by what it begins with: what tasks write has no ending. */
async function begin(uri: string, size: number): Promise<{ text?: string; parquet?: boolean }> {
  const response = await fetch(objectUrl(uri), { headers: { Range: `bytes=0-${Math.min(size, MOST) - 1}` } })
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`)
  const found = await response.arrayBuffer()
  if (new TextDecoder('latin1').decode(found.slice(0, 4)) === 'PAR1') return { parquet: true }
  try {
    // A character may be cut at the end of what was asked for.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(found, { stream: true })
    return text.includes('\0') ? {} : { text }
  } catch {
    return {}
  }
}

function laidOut(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text // cut, or lines of JSON
  }
}

function Csv({ rows }: { rows: string[][] }) {
  const shown = rows.slice(0, ROWS)
  const named = rows.length > 1 && (rows[0] ?? []).every(cell => cell !== '' && Number.isNaN(Number(cell)))
  const body = named ? shown.slice(1) : shown
  return (
    <div class="preview" tabIndex={0} role="region" aria-label="Preview">
      <table class="plain">
        {named && <thead><tr>{rows[0]?.map((cell, at) => <th key={at} scope="col">{cell}</th>)}</tr></thead>}
        <tbody>{body.map((row, at) => <tr key={at}>{row.map((cell, column) => <td key={column}>{cell}</td>)}</tr>)}</tbody>
      </table>
      {rows.length > ROWS && <p class="dim">The first {ROWS} rows.</p>}
    </div>
  )
}
