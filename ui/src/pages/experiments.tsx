/** Experiments: groups of runs. One of them shows its runs. */
import { ask, post, useLoaded } from '../api'
import { useTick } from '../changes'
import { moment } from '../format'
import type { Experiment } from '../kfp/records'
import { useSend } from '../kfp/send'
import { Snippet } from '../parts/copy'
import { Empty, Page, Problem, Waiting } from '../parts/page'
import { usePages } from '../parts/pages'
import { type Column, Table } from '../parts/table'
import { type Route, to } from '../route'
import { RunsPage } from './runs'

interface Answer { experiments?: Experiment[]; next_page_token?: string }

const columns: Column<Experiment>[] = [
  { key: 'name', label: 'Experiment', width: 'minmax(200px, 1fr)', cell: row => <a href={to('experiments', 'details', row.experiment_id)}>{row.display_name}</a> },
  { key: 'description', label: 'Description', width: 'minmax(160px, 1fr)', cell: row => <span class="dim" title={row.description}>{row.description}</span> },
  { key: 'state', label: 'State', width: '100px', cell: row => (row.storage_state === 'ARCHIVED' ? 'archived' : 'open') },
  { key: 'last', label: 'Last run', width: '130px', numeric: true, cell: row => moment(row.last_run_created_at) },
  { key: 'created', label: 'Created', width: '130px', numeric: true, cell: row => moment(row.created_at) },
]

export function ExperimentsPage({ route }: { route: Route }) {
  const id = route.parts[1] === 'details' ? (route.parts[2] ?? '') : ''
  return id ? <One key={id} id={id} route={route} /> : <List />
}

function List() {
  const load = (token = '') => ask<Answer>(`/apis/v2beta1/experiments?page_size=200&sort_by=created_at%20desc&page_token=${encodeURIComponent(token)}`)
  const first = useLoaded(() => load(), [], useTick(1000))
  const { rows, next } = usePages('', first.value, answer => answer.experiments ?? [], answer => answer.next_page_token, load, row => row.experiment_id)
  return (
    <Page title="Experiments" above={<a href={to('runs')}>Runs</a>}>
      <Problem error={first.error} />
      {first.waiting && <Waiting what="experiments" />}
      {first.value && (rows.length
        ? <Table label="Experiments" rows={rows} columns={columns} id={row => row.experiment_id} onEnd={next} />
        : <Empty>No experiments. One groups runs; the first run makes one.<Snippet title="kfp" text="kfp experiment create churn" /></Empty>)}
    </Page>
  )
}

function One({ id, route }: { id: string; route: Route }) {
  const path = `/apis/v2beta1/experiments/${encodeURIComponent(id)}`
  const loaded = useLoaded(() => ask<Experiment>(path), [id])
  const { send, refused } = useSend()
  const found = loaded.value
  if (!found) return <Page title="Experiment"><Problem error={loaded.error} />{loaded.waiting && <Waiting what="experiment" />}</Page>
  const archived = found.storage_state === 'ARCHIVED'
  const turn = () => send(async () => { await post(`${path}:${archived ? 'unarchive' : 'archive'}`); loaded.again() })
  return (
    <RunsPage route={route} within={{ id, title: found.display_name, notice: refused, actions: <button onClick={() => void turn()}>{archived ? 'Unarchive' : 'Archive'}</button> }} />
  )
}
