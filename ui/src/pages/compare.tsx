/** Runs side by side: parameters and metrics, with what differs marked. */
import { ask, useLoaded } from '../api'
import { useTick } from '../changes'
import { between, moment, number } from '../format'
import { Empty, Page, Problem, Waiting } from '../parts/page'
import { Badge, stateOf } from '../parts/state'
import { type Route, to } from '../route'
import type { Artifact } from '../run/artifacts'
import type { RunRow } from './runs'

interface Compared extends RunRow {
  run_details?: { task_details?: { display_name: string; output_artifacts?: Record<string, Artifact[]> }[] }
}

const MOST = 10

const shown = (value: unknown) => (typeof value === 'number' ? number(value) : typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value))

/** `task: metric` and its value, of every artifact of type Metrics. */
function metricsOf(run: Compared): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const task of run.run_details?.task_details ?? [])
    for (const artifacts of Object.values(task.output_artifacts ?? {}))
      for (const artifact of artifacts)
        if (artifact.type?.schemaTitle === 'system.Metrics')
          for (const [name, value] of Object.entries(artifact.metadata ?? {})) found[`${task.display_name}: ${name}`] = value
  return found
}

export function ComparePage({ route }: { route: Route }) {
  const ids = (route.query.get('runs') ?? '').split(',').filter(Boolean).slice(0, MOST)
  const loaded = useLoaded(() => Promise.all(ids.map(id => ask<Compared>(`/apis/v2beta1/runs/${encodeURIComponent(id)}`))), [ids], useTick(2000))
  const runs = loaded.value ?? []
  return (
    <Page title="Compare" beside={<span class="dim count">{runs.length} runs</span>} above={<a href={to('runs')}>Runs</a>}>
      <Problem error={loaded.error} />
      {loaded.waiting && <Waiting what="runs" />}
      {!ids.length && <Empty>Choose runs on the <a href={to('runs')}>Runs</a> page, then Compare.</Empty>}
      {runs.length > 0 && (
        <div class="card compare" tabIndex={0} role="region" aria-label="Comparison">
          <table class="plain">
            <thead><tr><td />{runs.map(run => <th key={run.run_id} scope="col"><a href={to('runs', 'details', run.run_id)}>{run.display_name}</a></th>)}</tr></thead>
            <tbody>
              <tr><th scope="row">state</th>{runs.map(run => <td key={run.run_id}><Badge state={stateOf(run.state)} word={run.state.toLowerCase()} /></td>)}</tr>
              <Row name="created" values={runs.map(run => moment(run.created_at))} />
              <Row name="took" values={runs.map(run => between(run.created_at, run.finished_at))} />
              <Rows title="Parameters" of={runs.map(run => run.runtime_config?.parameters ?? {})} />
              <Rows title="Metrics" of={runs.map(metricsOf)} />
            </tbody>
          </table>
        </div>
      )}
    </Page>
  )
}

function Rows({ title, of }: { title: string; of: Record<string, unknown>[] }) {
  const names = [...new Set(of.flatMap(each => Object.keys(each)))].sort()
  return (
    <>
      <tr><th scope="rowgroup" colSpan={of.length + 1}>{title}{names.length ? '' : ': none'}</th></tr>
      {names.map(name => <Row key={name} name={name} values={of.map(each => shown(each[name]))} marked />)}
    </>
  )
}

function Row({ name, values, marked = false }: { name: string; values: string[]; marked?: boolean }) {
  const differs = marked && new Set(values).size > 1
  return <tr class={differs ? 'differs' : ''}><th scope="row">{name}{differs && <span class="unseen"> (differs)</span>}</th>{values.map((value, at) => <td key={at}>{value}</td>)}</tr>
}
