/** A new run: of a pipeline's version, or as another run was. */
import { ask, post, useLoaded } from '../api'
import { useSend } from '../kfp/send'
import { type Beginning, useDraft } from '../kfp/source'
import { Page, Problem, Waiting } from '../parts/page'
import { type Route, go, to } from '../route'

export function NewRunPage({ route }: { route: Route }) {
  const [clone, pipeline, version] = ['clone', 'pipeline', 'version'].map(name => route.query.get(name) ?? '') as [string, string, string]
  const loaded = useLoaded<Beginning>(
    async () => {
      if (!clone) return { pipeline_version_reference: { pipeline_id: pipeline, pipeline_version_id: version }, experiment_id: route.query.get('experiment') ?? '' }
      const run = await ask<Beginning>(`/apis/v2beta1/runs/${encodeURIComponent(clone)}`)
      return { ...run, display_name: `Clone of ${(run.display_name ?? '').replace(/^Clone of /, '')}` }
    },
    [clone, pipeline, version],
  )
  return (
    <Page title="New run" above={<a href={to('runs')}>Runs</a>}>
      <Problem error={loaded.error} />
      {loaded.waiting && <Waiting what="run" />}
      {loaded.value && <Form key={clone + pipeline + version} begin={loaded.value} />}
    </Page>
  )
}

function Form({ begin }: { begin: Beginning }) {
  const draft = useDraft(begin, 'run')
  const { send, busy, refused } = useSend()
  const make = () => send(async () => {
    const run = await post<{ run_id: string }>('/apis/v2beta1/runs', draft.body())
    go(to('runs', 'details', run.run_id))
  })
  return (
    <form class="form" onSubmit={event => { event.preventDefault(); void make() }}>
      {draft.fields}
      <div class="all">{refused}</div>
      <button class="primary" disabled={busy || !draft.ready}>Start the run</button>
    </form>
  )
}
