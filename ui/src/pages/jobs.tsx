/** Training, processing and transform jobs: searched, filtered and sorted by the server. */
import { aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { between, moment } from '../format'
import type { Kind as Word } from '../jobs/course'
import { ProcessingPage } from '../jobs/processing'
import { TrainingPage } from '../jobs/training'
import { TransformPage } from '../jobs/transform'
import { Snippet } from '../parts/copy'
import { Empty, Page, Problem, Waiting } from '../parts/page'
import { usePages } from '../parts/pages'
import { Badge, stateOf } from '../parts/state'
import { type Column, Table } from '../parts/table'
import { type Route, setQuery, to } from '../route'

type Row = Record<string, string | undefined>
type Answer = Record<string, Row[] | undefined>
const KINDS = { training: 'Training', processing: 'Processing', transform: 'Transform' } as const satisfies Record<string, Word>
const PAGES = { training: TrainingPage, processing: ProcessingPage, transform: TransformPage }
type Kind = keyof typeof KINDS
const STATES = ['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped']

export function JobsPage({ route }: { route: Route }) {
  const kind = (route.parts[1] ?? 'training') as Kind
  const name = route.parts[2]
  if (!(kind in KINDS)) return <Page title="Jobs"><Empty>There are no jobs of the kind {kind}.</Empty></Page>
  if (!name) return <List key={kind} kind={kind} route={route} />
  const One = PAGES[kind]
  return <One key={name} name={name} />
}

function List({ kind, route }: { kind: Kind; route: Route }) {
  const word = KINDS[kind]
  const [search, state, by] = ['q', 'state', 'sort'].map(each => route.query.get(each) ?? '')
  const sort = { key: by || 'CreationTime', descending: route.query.get('order') !== 'asc' }
  const asked = {
    MaxResults: 100, SortBy: sort.key, SortOrder: sort.descending ? 'Descending' : 'Ascending',
    ...(search ? { NameContains: search } : {}), ...(state ? { StatusEquals: state } : {}),
  }
  const key = JSON.stringify([kind, asked])
  const load = (token?: string) => aws<Answer>('sagemaker', `List${word}Jobs`, { ...asked, ...(token ? { NextToken: token } : {}) })
  const first = useLoaded(load, [key], useTick(1000))
  const id = (row: Row) => row[`${word}JobName`] ?? ''
  const status = (row: Row) => row[`${word}JobStatus`] ?? ''
  const { rows, next } = usePages(key, first.value, answer => answer[`${word}JobSummaries`] ?? [], answer => answer.NextToken as unknown as string | undefined, load, id)
  const columns: Column<Row>[] = [
    { key: 'Status', label: 'State', width: '150px', sortable: true, cell: row => <Badge state={stateOf(status(row))} word={row.SecondaryStatus ?? status(row)} /> },
    { key: 'Name', label: 'Job', width: 'minmax(200px, 1fr)', sortable: true, cell: row => <a href={to('jobs', kind, id(row))}>{id(row)}</a> },
    { key: 'CreationTime', label: 'Created', width: '130px', sortable: true, numeric: true, cell: row => <span title={row.CreationTime}>{moment(row.CreationTime)}</span> },
    { key: 'took', label: 'Took', width: '90px', numeric: true, cell: row => between(row.CreationTime, row[`${word}EndTime`]) },
  ]
  return (
    <Page title="Jobs" actions={<>
      <input class="search" type="search" aria-label="Search jobs by name" placeholder="name contains…" value={search} onInput={event => setQuery({ q: event.currentTarget.value || null })} />
      <select aria-label="State" value={state} onChange={event => setQuery({ state: event.currentTarget.value || null })}>
        <option value="">any state</option>{STATES.map(each => <option key={each}>{each}</option>)}
      </select>
    </>}>
      <nav class="tabs" aria-label="Kinds of jobs">
        {Object.entries(KINDS).map(([each, label]) => <a key={each} href={to('jobs', each)} aria-current={each === kind ? 'page' : undefined}>{label}</a>)}
      </nav>
      <Problem error={first.error} />
      {first.waiting && <Waiting what="jobs" />}
      {first.value && (rows.length
        ? <Table label={`${word} jobs`} rows={rows} columns={columns} id={id} sort={sort} onEnd={next}
            onSort={chosen => setQuery({ sort: chosen, order: chosen === sort.key && sort.descending ? 'asc' : null })} />
        : <Empty>{search || state ? 'No job is like that.' : <>No {kind} jobs yet.<Snippet title="aws" text={`aws sagemaker create-${kind}-job --generate-cli-skeleton`} /></>}</Empty>)}
    </Page>
  )
}
