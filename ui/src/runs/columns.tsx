/** The columns that are chosen: kept in the address, and in this browser for the next visit. */
import type { Column } from '../parts/table'
import { setQuery } from '../route'
import type { RunRow } from '../pages/runs'
import { type Measured, spanOf } from './measured'

const KEPT = 'flowmaker.columns'
const NONE = '-'

/** `p:NAME` is of a parameter, `m:NAME` of a metric. */
export const chosenColumns = (query: URLSearchParams): string[] => {
  const said = query.get('cols') ?? localStorage.getItem(KEPT) ?? ''
  return said === NONE ? [] : said.split(',').filter(Boolean).map(decodeURIComponent)
}

function choose(columns: string[]) {
  const said = columns.map(encodeURIComponent).join() || NONE
  localStorage.setItem(KEPT, said)
  setQuery({ cols: said })
}

const shown = (value: unknown) => (typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value))

export function columnsOf(chosen: string[], measured: Measured): Column<RunRow>[] {
  return chosen.map(key => {
    const name = key.slice(2)
    const isMetric = key.startsWith('m:')
    return {
      key, label: name, width: 'minmax(70px, 130px)', numeric: isMetric,
      cell: run => {
        const text = isMetric ? spanOf(measured.runs[run.run_id]?.[name]) : shown(run.runtime_config?.parameters?.[name])
        return <span class="clip" title={text}>{text}</span>
      },
    }
  })
}

interface MenuProps { chosen: string[]; rows: RunRow[]; measured: Measured }

/** A menu of what the runs that are listed have. */
export function ColumnMenu({ chosen, rows, measured }: MenuProps) {
  const parameters = [...new Set(rows.flatMap(run => Object.keys(run.runtime_config?.parameters ?? {})))].sort().map(name => `p:${name}`)
  const metrics = measured.names.map(name => `m:${name}`)
  // What was chosen elsewhere stays to be taken away.
  const rest = chosen.filter(key => !parameters.includes(key) && !metrics.includes(key))
  const group = (title: string, keys: string[]) => (
    <fieldset>
      <legend>{title}</legend>
      {keys.map(key => (
        <label key={key}>
          <input type="checkbox" checked={chosen.includes(key)} onChange={() => choose(chosen.includes(key) ? chosen.filter(each => each !== key) : [...chosen, key])} /> {key.slice(2)}
        </label>
      ))}
      {!keys.length && <span class="dim">none</span>}
    </fieldset>
  )
  return (
    <details class="menu" onKeyDown={event => { if (event.key === 'Escape') event.currentTarget.open = false }}
      onFocusOut={event => { if (event.relatedTarget && !event.currentTarget.contains(event.relatedTarget as Node)) event.currentTarget.open = false }}>
      <summary class="button">Columns{chosen.length ? ` · ${chosen.length}` : ''}</summary>
      <div class="menulist">
        {group('Metrics', metrics)}
        {group('Parameters', parameters)}
        {rest.length > 0 && group('Of other runs', rest)}
      </div>
    </details>
  )
}
