/** All runs: searched, filtered and sorted by the server, 200 at a time. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { ask, useLoaded } from '../api'
import { useTick } from '../changes'
import { between, moment } from '../format'
import { Empty, Page, Problem } from '../parts/page'
import { Badge, stateOf } from '../parts/state'
import { type Column, Table } from '../parts/table'
import { type Route, setQuery, to } from '../route'

export interface RunRow {
  run_id: string
  display_name: string
  state: string
  created_at: string
  finished_at?: string
  experiment_id: string
  error?: { message: string }
}
interface RunsAnswer { runs?: RunRow[]; total_size?: number; next_page_token?: string }

const SIZE = 200
const STATES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'PENDING', 'CANCELED']

const columns: Column<RunRow>[] = [
  { key: 'state', label: 'State', width: '120px', sortable: true, cell: run => <Badge state={stateOf(run.state)} word={run.state.toLowerCase()} /> },
  { key: 'display_name', label: 'Run', width: 'minmax(200px, 1fr)', sortable: true, cell: run => <a href={to('runs', 'details', run.run_id)}>{run.display_name}</a> },
  { key: 'created_at', label: 'Created', width: '130px', sortable: true, numeric: true, cell: run => <span title={run.created_at}>{moment(run.created_at)}</span> },
  { key: 'finished_at', label: 'Took', width: '90px', sortable: true, numeric: true, cell: run => between(run.created_at, run.finished_at) },
  { key: 'error', label: 'Why it failed', width: 'minmax(120px, 1.2fr)', cell: run => <span class="dim clip" title={run.error?.message}>{run.error?.message}</span> },
]

/** KFP's filter: https://github.com/kubeflow/pipelines, backend/api/v2beta1/filter.proto. */
function filterOf(search: string, state: string): string {
  const predicates = []
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
  const filter = filterOf(search, state)
  if (filter) query.set('filter', filter)
  if (within) query.set('experiment_id', within.id)
  const first = useLoaded(() => ask<RunsAnswer>(`/apis/v2beta1/runs?${query}`), [query.toString()], tick)
  const [more, setMore] = useState<{ of: string; rows: RunRow[]; token: string } | null>(null)
  const key = query.toString()
  const [busy, setBusy] = useState(false)
  useEffect(() => setMore(null), [key])

  const head = first.value?.runs ?? []
  const known = new Set(head.map(run => run.run_id))
  const rows = more?.of === key ? [...head, ...more.rows.filter(run => !known.has(run.run_id))] : head
  const token = more?.of === key ? more.token : (first.value?.next_page_token ?? '')
  const total = first.value?.total_size ?? 0
  const next = () => {
    if (!token || busy) return
    setBusy(true)
    void ask<RunsAnswer>(`/apis/v2beta1/runs?${key}&page_token=${encodeURIComponent(token)}`).then(page => {
      setMore(old => ({ of: key, rows: [...(old?.of === key ? old.rows : []), ...(page.runs ?? [])], token: page.next_page_token ?? '' }))
      setBusy(false)
    }, () => setBusy(false))
  }

  return (
    <Page
      title={within?.title ?? 'Runs'}
      above={within ? <a href={to('experiments')}>Experiments</a> : undefined}
      beside={<span class="dim count">{first.value ? total.toLocaleString() : ''}</span>}
      actions={<>
        <input class="search" type="search" aria-label="Search runs by name" placeholder="name contains…" value={search}
          onInput={event => setQuery({ q: event.currentTarget.value || null })} />
        <select aria-label="State" value={state} onChange={event => setQuery({ state: event.currentTarget.value || null })}>
          <option value="">any state</option>
          {STATES.map(each => <option key={each} value={each}>{each.toLowerCase()}</option>)}
        </select>
        {within?.actions ?? <a href={to('experiments')}>Experiments</a>}
        <a href={`${to('runs', 'new')}${within ? `?experiment=${within.id}` : ''}`}>New run</a>
      </>}
    >
      {within?.notice}
      <Problem error={first.error} />
      {first.value && !rows.length
        ? <Empty>{filter ? 'No run is like that.' : <>No runs yet. <a href={to('home')}>Home</a> says how to make one.</>}</Empty>
        : <Table label="Runs" rows={rows} columns={columns} id={run => run.run_id} sort={sort} onEnd={next}
            onSort={by => setQuery({ sort: by, order: by === sort.key && sort.descending ? 'asc' : null })} />}
    </Page>
  )
}
