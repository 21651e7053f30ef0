/** The beginning of a Parquet file as a table, with its schema: the server reads it (`web/tables.py`). */
import { ask, useLoaded } from '../api'
import { number } from '../format'
import { Snippet } from '../parts/copy'
import { Problem } from '../parts/page'

interface Told {
  rows_count: number
  groups_count: number
  created_by?: string
  columns_count: number
  columns: { name: string; type: string; nullable: boolean }[]
  rows: (string | null)[][]
  /** Why there are no rows. */
  unread?: string
}

export function Parquet({ uri }: { uri: string }) {
  const { value: told, error, waiting } = useLoaded(() => ask<Told>(`/ui/tables?uri=${encodeURIComponent(uri)}`), [uri])
  if (waiting) return <p class="dim" role="status">Reading it… The first time a reader of Parquet is installed.</p>
  if (!told) return <><Problem error={error} /><Elsewhere uri={uri} /></>
  const across = told.rows[0]?.length ?? 0
  return (
    <>
      <p class="dim">
        {number(told.rows_count)} rows of {number(told.columns_count)} columns, in {number(told.groups_count)} row groups
        {told.rows.length < told.rows_count && told.rows.length > 0 && `; the first ${told.rows.length} rows`}
        {across > 0 && across < told.columns_count && ` and ${across} columns`}
      </p>
      {told.unread && <><p class="dim">Its rows are not shown: {told.unread}</p><Elsewhere uri={uri} /></>}
      {across > 0 && (
        <div class="preview" tabIndex={0} role="region" aria-label="Preview">
          <table class="plain">
            <thead><tr>{told.columns.slice(0, across).map((column, at) => <th key={at} scope="col">{column.name}</th>)}</tr></thead>
            <tbody>{told.rows.map((row, at) => <tr key={at}>{row.map((cell, column) => <td key={column}>{cell ?? <span class="dim">null</span>}</td>)}</tr>)}</tbody>
          </table>
        </div>
      )}
      <details>
        <summary>Schema</summary>
        <div class="preview" tabIndex={0} role="region" aria-label="Schema">
          <table class="plain">
            <thead><tr><th scope="col">Column</th><th scope="col">Type</th><th scope="col">Null</th></tr></thead>
            <tbody>{told.columns.map((column, at) => <tr key={at}><td>{column.name}</td><td><code>{column.type}</code></td><td>{column.nullable ? 'may be' : 'never'}</td></tr>)}</tbody>
          </table>
          {told.columns.length < told.columns_count && <p class="dim">The first {told.columns.length} columns.</p>}
        </div>
        {told.created_by && <p class="dim">Written by {told.created_by}</p>}
      </details>
    </>
  )
}

/** How to look into it without us. */
const Elsewhere = ({ uri }: { uri: string }) => (
  <Snippet title="with pandas and pyarrow" text={`aws s3 cp ${uri} table.parquet\npython -c "import pandas; print(pandas.read_parquet('table.parquet'))"`} />
)
