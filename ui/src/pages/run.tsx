/** The cockpit: graph, timeline and step share one selection, one clock and one address. */
import { useState } from 'preact/hooks'
import { ApiError, ask, post, useLoaded } from '../api'
import { useRevision } from '../changes'
import { between } from '../format'
import { Facts, Page, Problem, Waiting } from '../parts/page'
import { Badge, Counts, stateOf } from '../parts/state'
import { type Route, go, setQuery, to } from '../route'
import { Graph, Iterations } from '../run/graph'
import { type Box, type RunLevel } from '../run/drawing'
import { Panel } from '../run/panel'
import { Timeline } from '../run/timeline'

export function RunPage({ route }: { route: Route }) {
  const id = route.parts[2] ?? ''
  const scope = route.query.get('in') ?? ''
  const selected = route.query.get('task') ?? ''
  const revision = useRevision(id)
  const loaded = useLoaded(() => ask<RunLevel>(`/ui/runs/${encodeURIComponent(id)}/graph?task=${scope}`), [id, scope], revision)
  const [refused, setRefused] = useState<ApiError | null>(null)
  const level = loaded.value
  if (!level)
    return <Page title="Run"><Problem error={loaded.error} />{loaded.waiting && <Waiting what="run" />}</Page>

  const { run } = level
  const select = (task: string) => setQuery({ task: task === selected ? null : task })
  const open = (box: Box) => box.task_id && setQuery({ in: box.task_id, task: null })
  const boxes = level.iterations ?? level.nodes ?? []
  const drawn = { level, selected, onSelect: select, onOpen: open }
  const over = Boolean(run.finished_at)
  const act = (action: Promise<unknown>) => action.then(() => { setRefused(null); loaded.again() }, (error: unknown) => setRefused(error as ApiError))
  const root = level.crumbs[0]?.task_id ?? ''
  const isTask = selected !== '' && (boxes.some(box => box.task_id === selected) || level.failures.some(each => each.task_id === selected))

  return (
    <Page
      title={run.display_name}
      beside={<Badge state={stateOf(run.state)} word={run.state.toLowerCase()} />}
      above={<><a href={to('runs')}>Runs</a> / {level.crumbs.map((crumb, at) => (
        <span key={crumb.task_id}>{at > 0 && ' / '}{at === level.crumbs.length - 1
          ? <span>{at ? crumb.label : run.pipeline_name}</span>
          : <a href="#" onClick={event => { event.preventDefault(); setQuery({ in: crumb.task_id === root ? null : crumb.task_id, task: null }) }}>{at ? crumb.label : run.pipeline_name}</a>}</span>
      ))}</>}
      actions={<>
        <Facts rows={[['elapsed', between(run.created_at, run.finished_at)], ['tasks', <Counts counts={level.counts} />]]} />
        <button onClick={() => go(`${to('runs', 'new')}?clone=${run.run_id}`)}>Clone</button>
        <button disabled={!['FAILED', 'CANCELED'].includes(run.state)} onClick={() => act(post(`/apis/v2beta1/runs/${run.run_id}:retry`))}>Retry</button>
        <button class="danger" disabled={over} onClick={() => act(post(`/apis/v2beta1/runs/${run.run_id}:terminate`))}>Stop</button>
      </>}
    >
      <div class={`cockpit${isTask ? ' withpanel' : ''}`}>
        <div class="notices">
          <Problem error={refused ?? loaded.error} />
          {level.failures.length > 0 && (
            <div class="notice bad" role="alert">
              <strong>Failed:</strong>{' '}
              {level.failures.map(each => (
                <a key={each.task_id} href="#" onClick={event => { event.preventDefault(); setQuery({ in: each.scope === root ? null : each.scope, task: each.task_id }) }}>{each.label}</a>
              ))}
            </div>
          )}
          {run.error && !level.failures.length && <div class="notice bad" role="alert">{run.error.message}</div>}
        </div>
        <section class="graph" aria-label="Graph">{level.iterations ? <Iterations {...drawn} /> : <Graph {...drawn} />}</section>
        <section class="times" aria-label="Times"><Timeline run={run} boxes={boxes} selected={selected} onSelect={select} /></section>
        {isTask && <Panel key={selected} run={run.run_id} task={selected} revision={revision} onClose={() => setQuery({ task: null })} />}
      </div>
    </Page>
  )
}
