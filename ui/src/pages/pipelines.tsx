/** Pipelines that were uploaded: their versions, the graph of each, its package, and a run of it. */
import { useState } from 'preact/hooks'
import { ask, useLoaded } from '../api'
import { useTick } from '../changes'
import { moment } from '../format'
import { KINDS } from '../kfp/fields'
import { type Pipeline, type Version, getVersion, listVersions, parametersOf } from '../kfp/records'
import { useSend } from '../kfp/send'
import { Snippet } from '../parts/copy'
import { Value } from '../parts/json'
import { Empty, Facts, Page, Problem, Waiting } from '../parts/page'
import { usePages } from '../parts/pages'
import { type Column, Table } from '../parts/table'
import { type Route, go, setQuery, to } from '../route'
import { Graph } from '../run/graph'
import type { Level } from '../run/drawing'

interface Answer { pipelines?: Pipeline[]; next_page_token?: string }

const columns: Column<Pipeline>[] = [
  { key: 'name', label: 'Pipeline', width: 'minmax(200px, 1fr)', cell: row => <a href={to('pipelines', 'details', row.pipeline_id)}>{row.display_name}</a> },
  { key: 'description', label: 'Description', width: 'minmax(200px, 2fr)', cell: row => <span class="dim" title={row.description}>{row.description}</span> },
  { key: 'created', label: 'Created', width: '130px', numeric: true, cell: row => moment(row.created_at) },
]

export function PipelinesPage({ route }: { route: Route }) {
  const [, details, id = '', , version = ''] = route.parts
  return details === 'details' ? <One key={id} id={id} version={version} route={route} /> : <List />
}

function List() {
  const load = (token = '') => ask<Answer>(`/apis/v2beta1/pipelines?page_size=200&sort_by=created_at%20desc&page_token=${encodeURIComponent(token)}`)
  const first = useLoaded(() => load(), [], useTick(1000))
  const { rows, next } = usePages('', first.value, answer => answer.pipelines ?? [], answer => answer.next_page_token, load, row => row.pipeline_id)
  const { send, refused } = useSend()
  const upload = (file: File) => send(async () => {
    const body = new FormData()
    body.append('uploadfile', file)
    const name = file.name.replace(/\.(ya?ml|zip|tgz|tar\.gz|json)$/, '')
    const made = await ask<Pipeline>(`/apis/v2beta1/pipelines/upload?name=${encodeURIComponent(name)}`, { method: 'POST', body })
    go(to('pipelines', 'details', made.pipeline_id))
  })
  return (
    <Page title="Pipelines" actions={
      <label class="button">Upload a package <input type="file" class="unseen" accept=".yaml,.yml,.json,.zip,.tgz,.gz" onChange={event => {
        const file = event.currentTarget.files?.[0]
        event.currentTarget.value = ''
        if (file) void upload(file)
      }} /></label>
    }>
      {refused}
      <Problem error={first.error} />
      {first.waiting && <Waiting what="pipelines" />}
      {first.value && (rows.length
        ? <Table label="Pipelines" rows={rows} columns={columns} id={row => row.pipeline_id} onEnd={next} />
        : <Empty>No pipeline was uploaded. Runs need none; one that is here can be run from here, and on a schedule.
            <Snippet title="kfp" text="kfp pipeline create -p churn pipeline.yaml" /></Empty>)}
    </Page>
  )
}

function One({ id, version, route }: { id: string; version: string; route: Route }) {
  const pipeline = useLoaded(() => ask<Pipeline>(`/apis/v2beta1/pipelines/${encodeURIComponent(id)}`), [id])
  const versions = useLoaded(() => listVersions(id), [id], useTick(2000))
  const shown = version || versions.value?.pipeline_versions?.[0]?.pipeline_version_id || ''
  const found = pipeline.value
  if (!found) return <Page title="Pipeline"><Problem error={pipeline.error} />{pipeline.waiting && <Waiting what="pipeline" />}</Page>
  return (
    <Page
      title={found.display_name}
      above={<a href={to('pipelines')}>Pipelines</a>}
      actions={<>
        <label>Version{' '}
          <select value={shown} onChange={event => go(to('pipelines', 'details', id, 'version', event.currentTarget.value))}>
            {versions.value?.pipeline_versions?.map(each => <option key={each.pipeline_version_id} value={each.pipeline_version_id}>{each.display_name}</option>)}
          </select>
        </label>
        <a class="button" href={`${to('recurringruns', 'new')}?pipeline=${id}&version=${shown}`}>Schedule</a>
        <a class="button primary" href={`${to('runs', 'new')}?pipeline=${id}&version=${shown}`}>Run</a>
      </>}
    >
      <Problem error={versions.error} />
      {found.description && <p class="pad dim">{found.description}</p>}
      {shown && <VersionView key={shown} id={id} version={shown} scope={route.query.get('in') ?? ''} />}
    </Page>
  )
}

function VersionView({ id, version, scope }: { id: string; version: string; scope: string }) {
  const [selected, select] = useState('')
  const drawn = useLoaded(() => ask<Level>(`/ui/pipelines/${id}/versions/${version}/graph?task=${encodeURIComponent(scope)}`), [version, scope])
  const loaded = useLoaded<Version>(() => getVersion(id, version), [version])
  const level = drawn.value
  const spec = loaded.value?.pipeline_spec
  return (
    <>
      <Problem error={drawn.error ?? loaded.error} />
      {level && level.crumbs.length > 1 && (
        <p class="pad crumbs">{level.crumbs.map((crumb, at) => (
          <span key={crumb.task_id}>{at > 0 && ' / '}<a href="#" onClick={event => { event.preventDefault(); setQuery({ in: crumb.task_id || null }) }}>{crumb.label}</a></span>
        ))}</p>
      )}
      <section class="graph static" aria-label="Graph">
        {level && <Graph level={level} selected={selected} onSelect={key => select(key === selected ? '' : key)}
          onOpen={box => setQuery({ in: scope ? `${scope}/${box.id}` : box.id })} />}
      </section>
      <div class="cards">
        <section class="card" aria-label="Parameters">
          <h2>Parameters</h2>
          <Facts listed rows={Object.entries(parametersOf(spec)).map(([name, each]) => [name, `${KINDS[each.parameterType] ?? each.parameterType}${each.defaultValue === undefined ? '' : ` = ${JSON.stringify(each.defaultValue)}`}`])} />
        </section>
        <section class="card wide" aria-label="Package">
          <details><summary>The package</summary>{spec && <Value value={spec} />}</details>
        </section>
      </div>
    </>
  )
}
