/** What the tasks of the newest runs made, by type, and where each artifact came from and went. */
import { ask, useLoaded } from '../api'
import { useTick } from '../changes'
import { moment } from '../format'
import { Detail } from '../artifacts/detail'
import { type Told, kindOf } from '../artifacts/told'
import { Snippet } from '../parts/copy'
import { Empty, Page, Problem, Waiting } from '../parts/page'
import { type Column, Table } from '../parts/table'
import { type Route, setQuery } from '../route'

interface Answer { runs: number; tasks: number; artifacts: Told[] }

const columns: Column<Told>[] = [
  { key: 'name', label: 'Artifact', width: 'minmax(120px, 1fr)', cell: each => <a href={`#/artifacts?${new URLSearchParams({ uri: each.uri }).toString()}`}>{each.name}</a> },
  { key: 'type', label: 'Type', width: '150px', cell: each => kindOf(each) },
  { key: 'made', label: 'Made by', width: 'minmax(140px, 1fr)', cell: each => each.made_by.at(-1)?.task_name ?? <span class="dim">an earlier run</span> },
  { key: 'run', label: 'Run', width: 'minmax(120px, 1fr)', cell: each => (each.made_by.at(-1) ?? each.read_by.at(-1))?.run_name },
  { key: 'read', label: 'Read by', width: '80px', numeric: true, cell: each => each.read_by_count },
  { key: 'at', label: 'At', width: '110px', numeric: true, cell: each => <span title={each.at}>{moment(each.at)}</span> },
]

const HOW = `@dsl.component
def prepare(data: dsl.Output[dsl.Dataset]):
    with open(data.path, "w") as file:
        file.write("a,b\\n1,2\\n")`

export function ArtifactsPage({ route }: { route: Route }) {
  const tick = useTick(2000)
  const loaded = useLoaded(() => ask<Answer>('/ui/artifacts'), [], tick)
  const kind = route.query.get('type') ?? ''
  const uri = route.query.get('uri') ?? ''
  const all = loaded.value?.artifacts ?? []
  const kinds = [...new Set(all.map(kindOf))].sort()
  const rows = kind ? all.filter(each => kindOf(each) === kind) : all
  const chosen = all.find(each => each.uri === uri)
  return (
    <Page title="Artifacts" beside={<span class="dim count">{!!loaded.value?.runs && `of the newest ${loaded.value.runs} runs`}</span>}
      actions={
        <select aria-label="Type" value={kind} onChange={event => setQuery({ type: event.currentTarget.value || null })}>
          <option value="">any type</option>
          {kinds.map(each => <option key={each} value={each}>{each}</option>)}
        </select>
      }>
      <Problem error={loaded.error} />
      {loaded.waiting && <Waiting what="artifacts" />}
      {loaded.value && (
        <div class={`browser${uri ? ' withpanel' : ''}`}>
          {rows.length
            ? <Table label="Artifacts" rows={rows} columns={columns} id={each => each.uri} selected={uri} />
            : <Empty>{kind ? 'No artifact is of that type.' : <>No artifacts. They are what tasks hand on to each other.<Snippet title="a component" text={HOW} /></>}</Empty>}
          {uri && <Detail key={uri} uri={uri} told={chosen} />}
        </div>
      )}
    </Page>
  )
}
