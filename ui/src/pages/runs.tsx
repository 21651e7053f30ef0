/** All runs: searched, filtered and sorted by the server, 200 at a time. */
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { ask, post, remove, useLoaded } from '../api'
import { useTick } from '../changes'
import { between, moment } from '../format'
import { useSend } from '../kfp/send'
import { Confirm } from '../parts/confirm'
import { Empty, Page, Problem } from '../parts/page'
import { usePages } from '../parts/pages'
import { Badge, stateOf } from '../parts/state'
import { type Column, Table } from '../parts/table'
import { type Route, setQuery, to } from '../route'
import { ColumnMenu, chosenColumns, columnsOf } from '../runs/columns'
import { predicatesOf, useMeasured } from '../runs/measured'

export interface RunRow {
  run_id: string
  display_name: string
  state: string
  created_at: string
  finished_at?: string
  experiment_id: string
  error?: { message: string }
  runtime_config?: { parameters?: Record<string, unknown> }
}
interface RunsAnswer { runs?: RunRow[]; total_size?: number; next_page_token?: string }

const SIZE = 200
const STATES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'PENDING', 'CANCELED']

const columns: Column<RunRow>[] = [
  { key: 'state', label: 'State', width: '120px', sortable: true, cell: run => <Badge state={stateOf(run.state)} word={run.state.toLowerCase()} /> },
  { key: 'display_name', label: 'Run', width: 'minmax(200px, 1fr)', sortable: true, cell: run => <a href={to('runs', 'details', run.run_id)}>{run.display_name}</a> },
  { key: 'created_at', label: 'Created', width: '130px', sortable: true, numeric: true, cell: run => <span title={run.created_at}>{moment(run.created_at)}</span> },
  { key: 'finished_at', label: 'Took', width: '90px', sortable: true, numeric: true, cell: run => between(run.created_at, run.finished_at) },
]
const WHY: Column<RunRow> = { key: 'error', label: 'Why it failed', width: 'minmax(120px, 1.2fr)', cell: run => <span class="dim clip" title={run.error?.message}>{run.error?.message}</span> }

/** KFP's filter: https://github.com/kubeflow/pipelines, backend/api/v2beta1/filter.proto. */
function filterOf(search: string, state: string, metrics: object[]): string {
  const predicates = [...metrics]
  if (search) predicates.push({ key: 'display_name', operation: 'IS_SUBSTRING', string_value: search })
  if (state) predicates.push({ key: 'state', operation: 'EQUALS', string_value: state })
  return predicates.length ? JSON.stringify({ predicates }) : ''
}

/** The experiment whose runs alone are shown. */
interface Within { id: string; title: string; actions: ComponentChildren; notice: ComponentChildren }

export function RunsPage({ route, within }: { route: Route; within?: Within }) {
  const search = route.query.get('q') ?? ''
  const state = route.query.get('state') ?? ''
  const sort = { key: route.query.get('sort') ?? 'created_at', descending: route.query.get('order') !== 'asc' }
  const tick = useTick(1000)
  const query = new URLSearchParams({ page_size: String(SIZE), sort_by: `${sort.key} ${sort.descending ? 'desc' : 'asc'}` })
  const measure = route.query.get('metric') ?? ''
  const metrics = predicatesOf(measure)
  const filter = filterOf(search, state, metrics ?? [])
  if (filter) query.set('filter', filter)
  if (within) query.set('experiment_id', within.id)
  const key = query.toString()
  const load = (token = '') => ask<RunsAnswer>(`/apis/v2beta1/runs?${key}&page_token=${encodeURIComponent(token)}`)
  const first = useLoaded(() => load(), [key], tick)
  const { rows, next } = usePages(key, first.value, page => page.runs ?? [], page => page.next_page_token, load, run => run.run_id)
  const measured = useMeasured(rows.map(run => run.run_id), tick)
  const extra = chosenColumns(route.query)
  const total = first.value?.total_size ?? 0
  const [chosen, choose] = useState<Set<string>>(new Set())
  const turn = (id: string) => choose(old => new Set(old.has(id) ? [...old].filter(each => each !== id) : [...old, id]))
  const box: Column<RunRow> = {
    key: 'chosen', label: '', width: '20px',
    cell: run => <input type="checkbox" aria-label={`Choose ${run.display_name}`} checked={chosen.has(run.run_id)} onChange={() => turn(run.run_id)} />,
  }

  return (
    <Page
      title={within?.title ?? 'Runs'}
      above={within ? <a href={to('experiments')}>Experiments</a> : undefined}
      beside={<span class="dim count">{first.value ? total.toLocaleString() : ''}</span>}
      actions={<>
        <input class="search" type="search" aria-label="Search runs by name" placeholder="name contains…" value={search}
          onInput={event => setQuery({ q: event.currentTarget.value || null })} />
        <input class="search short" type="search" aria-label="Search runs by metric" placeholder="accuracy > 0.9" value={measure} list="metricnames"
          aria-invalid={metrics === null} title="NAME, a comparison and a number; several with a comma between them" onInput={event => setQuery({ metric: event.currentTarget.value || null })} />
        <datalist id="metricnames">{measured.names.map(name => <option key={name} value={`${name} > `} />)}</datalist>
        <select aria-label="State" value={state} onChange={event => setQuery({ state: event.currentTarget.value || null })}>
          <option value="">any state</option>
          {STATES.map(each => <option key={each} value={each}>{each.toLowerCase()}</option>)}
        </select>
        <ColumnMenu chosen={extra} rows={rows} measured={measured} />
        {within?.actions ?? <a class="button" href={to('experiments')}>Experiments</a>}
        <a class="button" href={`${to('runs', 'new')}${within ? `?experiment=${within.id}` : ''}`}>New run</a>
      </>}
    >
      {within?.notice}
      <Problem error={first.error} />
      {metrics === null && <p class="dim pad" role="status">A metric is looked for by a comparison, e.g. <code>accuracy &gt; 0.9</code>; <code>{measure}</code> is none yet.</p>}
      {chosen.size > 0 && <Chosen ids={[...chosen]} done={() => { choose(new Set()); first.again() }} />}
      {first.value && !rows.length
        ? <Empty>{filter ? 'No run is like that.' : <>No runs yet. <a href={to('home')}>Home</a> says how to make one.</>}</Empty>
        : <Table label="Runs" rows={rows} columns={[box, ...columns, ...columnsOf(extra, measured), WHY]} id={run => run.run_id} sort={sort} onEnd={next}
            onSort={by => setQuery({ sort: by, order: by === sort.key && sort.descending ? 'asc' : null })} />}
    </Page>
  )
}

/** What can be done with runs that were chosen. */
function Chosen({ ids, done }: { ids: string[]; done: () => void }) {
  const { send, busy, refused } = useSend()
  const each = (action: (path: string) => Promise<unknown>) => () => void send(async () => {
    for (const id of ids) await action(`/apis/v2beta1/runs/${encodeURIComponent(id)}`)
    done()
  })
  return (
    <div class="notice chosen" role="group" aria-label="Chosen runs">
      {ids.length} chosen
      <a class="button" href={`${to('compare')}?runs=${ids.join(',')}`}>Compare</a>
      <button disabled={busy} onClick={each(path => post(`${path}:archive`))}>Archive</button>
      <Confirm label="Delete" question={`Delete ${ids.length === 1 ? 'this run' : `these ${ids.length} runs`}? Their artifacts stay.`} onYes={each(remove)} />
      <button onClick={done}>Choose none</button>
      {refused}
    </div>
  )
}
