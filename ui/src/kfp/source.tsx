/** What the forms of a run and of a schedule have in common: pipeline, version, experiment, parameters. */
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { type ApiError, ask, useLoaded } from '../api'
import { Problem, Waiting } from '../parts/page'
import { Fields, type Texts, textsOf, valuesOf } from './fields'
import { type Experiment, type Package, type Pipeline, type RuntimeConfig, type Source, listVersions, nameOf, packageOf, parametersOf } from './records'

/** What a form begins with. */
export interface Beginning extends Source { display_name?: string; experiment_id?: string; runtime_config?: RuntimeConfig }

export interface Draft {
  name: string
  setName: (name: string) => void
  /** The body of a request; throws an Error that says which field is wrong. */
  body: () => object
  ready: boolean
  fields: JSX.Element
}

const byTime = 'page_size=200&sort_by=created_at%20desc'

/** The form's state and fields. Of a run that was made from a spec, the spec is taken along. */
export function useDraft(begin: Beginning, what: string): Draft {
  const given = begin.pipeline_version_reference
  const [pipeline, setPipeline] = useState(given?.pipeline_id ?? '')
  const [version, setVersion] = useState(given?.pipeline_version_id ?? '')
  const [experiment, setExperiment] = useState(begin.experiment_id ?? '')
  const [name, setName] = useState(begin.display_name ?? '')
  const [texts, setTexts] = useState<Texts>(textsOf(begin.runtime_config?.parameters ?? {}))
  const root = begin.runtime_config?.pipeline_root ?? ''
  const pipelines = useLoaded(() => ask<{ pipelines?: Pipeline[] }>(`/apis/v2beta1/pipelines?${byTime}`), [])
  const experiments = useLoaded(() => ask<{ experiments?: Experiment[] }>(`/apis/v2beta1/experiments?${byTime}`), [])
  const versions = useLoaded(async () => (pipeline ? await listVersions(pipeline) : {}), [pipeline])
  const source: Source = begin.pipeline_spec ? { pipeline_spec: begin.pipeline_spec } : { pipeline_version_reference: { pipeline_id: pipeline, pipeline_version_id: version } }
  const loaded = useLoaded<Package | null>(async () => (begin.pipeline_spec || pipeline ? await packageOf(source) : null), [pipeline, version])
  const parameters = parametersOf(loaded.value ?? undefined)
  useEffect(() => { if (!name && loaded.value) setName(`${nameOf(loaded.value)} ${what}`) }, [loaded.value])
  const choose = (id: string) => { setPipeline(id); setVersion(''); setTexts({}); setName('') }
  const error: ApiError | null = pipelines.error ?? versions.error ?? loaded.error ?? experiments.error

  const fields = (
    <>
      {error && <div class="all"><Problem error={error} /></div>}
      <label for="pipeline">Pipeline</label>
      {begin.pipeline_spec
        ? <span id="pipeline">{nameOf(begin.pipeline_spec)} <span class="dim">the package that the run was made with</span></span>
        : <span class="tryfields">
            <select id="pipeline" value={pipeline} onChange={event => choose(event.currentTarget.value)}>
              <option value="">choose…</option>
              {pipelines.value?.pipelines?.map(each => <option key={each.pipeline_id} value={each.pipeline_id}>{each.display_name}</option>)}
            </select>
            {pipeline && <select aria-label="Version" value={version} onChange={event => setVersion(event.currentTarget.value)}>
              <option value="">the newest version</option>
              {versions.value?.pipeline_versions?.map(each => <option key={each.pipeline_version_id} value={each.pipeline_version_id}>{each.display_name}</option>)}
            </select>}
          </span>}
      <label for="name">Name</label>
      <input id="name" value={name} onInput={event => setName(event.currentTarget.value)} />
      <label for="experiment">Experiment</label>
      <select id="experiment" value={experiment} onChange={event => setExperiment(event.currentTarget.value)}>
        <option value="">the default one</option>
        {experiments.value?.experiments?.filter(each => each.storage_state !== 'ARCHIVED' || each.experiment_id === experiment).map(each => <option key={each.experiment_id} value={each.experiment_id}>{each.display_name}</option>)}
      </select>
      {loaded.value && <><h2 class="all">Parameters</h2><Fields parameters={parameters} texts={texts} onChange={setTexts} /></>}
      {loaded.waiting && <div class="all"><Waiting what="pipeline" /></div>}
    </>
  )
  const body = () => ({
    display_name: name.trim(),
    ...(experiment ? { experiment_id: experiment } : {}),
    ...(begin.pipeline_spec ? source : { pipeline_version_reference: { pipeline_id: pipeline, ...(version ? { pipeline_version_id: version } : {}) } }),
    runtime_config: { parameters: valuesOf(parameters, texts), ...(root ? { pipeline_root: root } : {}) },
  })
  return { name, setName, body, fields, ready: Boolean(loaded.value && name.trim()) }
}
