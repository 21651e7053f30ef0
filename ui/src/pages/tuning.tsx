/** Hyperparameter tuning jobs. */
import { useState } from 'preact/hooks'
import { ApiError, aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { between, moment } from '../format'
import { Confirm } from '../parts/confirm'
import { Snippet } from '../parts/copy'
import { Empty, Page, Problem, Waiting } from '../parts/page'
import { usePages } from '../parts/pages'
import { Badge, Counts, stateOf } from '../parts/state'
import { type Column, Table } from '../parts/table'
import { type Route, setQuery, to } from '../route'
import { type Tuning, TuningBoard, useTuning } from '../tuning/board'

interface Answer { HyperParameterTuningJobSummaries: Tuning[]; NextToken?: string }
const STATES = ['InProgress', 'Completed', 'Failed', 'Stopping', 'Stopped']

const columns: Column<Tuning>[] = [
  { key: 'Status', label: 'State', width: '150px', sortable: true, cell: row => <Badge state={stateOf(row.HyperParameterTuningJobStatus)} word={row.HyperParameterTuningJobStatus} /> },
  { key: 'Name', label: 'Tuning job', width: 'minmax(200px, 1fr)', sortable: true, cell: row => <a href={to('tuning', row.HyperParameterTuningJobName)}>{row.HyperParameterTuningJobName}</a> },
  { key: 'trials', label: 'Trials', width: '160px', cell: row => <Counts counts={{ succeeded: row.TrainingJobStatusCounters?.Completed, running: row.TrainingJobStatusCounters?.InProgress, failed: row.TrainingJobStatusCounters?.NonRetryableError }} /> },
  { key: 'CreationTime', label: 'Created', width: '130px', sortable: true, numeric: true, cell: row => moment(row.CreationTime) },
  { key: 'took', label: 'Took', width: '90px', numeric: true, cell: row => between(row.CreationTime, row.HyperParameterTuningEndTime) },
]

export function TuningPage({ route }: { route: Route }) {
  const name = route.parts[1]
  return name ? <One key={name} name={name} /> : <List route={route} />
}

function One({ name }: { name: string }) {
  const { value, error } = useTuning(name)
  const [refused, setRefused] = useState<ApiError | null>(null)
  const status = value?.job.HyperParameterTuningJobStatus
  const stop = () => aws('sagemaker', 'StopHyperParameterTuningJob', { HyperParameterTuningJobName: name }).then(() => setRefused(null), (problem: ApiError) => setRefused(problem))
  return (
    <Page title={name} above={<a href={to('tuning')}>Tuning</a>} beside={status && <Badge state={stateOf(status)} word={status} />}
      actions={status === 'InProgress' && <Confirm label="Stop" question={`Stop ${name} and its trials?`} onYes={() => void stop()} />}>
      <Problem error={refused} />
      <div class="cards"><section class="card wide"><TuningBoard board={value} error={error} /></section></div>
    </Page>
  )
}

function List({ route }: { route: Route }) {
  const [search = '', state = '', by = ''] = ['q', 'state', 'sort'].map(each => route.query.get(each) ?? '')
  const sort = { key: by || 'CreationTime', descending: route.query.get('order') !== 'asc' }
  const asked = { MaxResults: 100, SortBy: sort.key, SortOrder: sort.descending ? 'Descending' : 'Ascending', ...(search ? { NameContains: search } : {}), ...(state ? { StatusEquals: state } : {}) }
  const key = JSON.stringify(asked)
  const load = (token?: string) => aws<Answer>('sagemaker', 'ListHyperParameterTuningJobs', { ...asked, ...(token ? { NextToken: token } : {}) })
  const first = useLoaded(load, [key], useTick(1000))
  const { rows, next } = usePages(key, first.value, answer => answer.HyperParameterTuningJobSummaries, answer => answer.NextToken, load, row => row.HyperParameterTuningJobName)
  return (
    <Page title="Tuning" actions={<>
      <input class="search" type="search" aria-label="Search tuning jobs by name" placeholder="name contains…" value={search} onInput={event => setQuery({ q: event.currentTarget.value || null })} />
      <select aria-label="State" value={state} onChange={event => setQuery({ state: event.currentTarget.value || null })}>
        <option value="">any state</option>{STATES.map(each => <option key={each}>{each}</option>)}
      </select>
    </>}>
      <Problem error={first.error} />
      {first.waiting && <Waiting what="tuning jobs" />}
      {first.value && (rows.length
        ? <Table label="Tuning jobs" rows={rows} columns={columns} id={row => row.HyperParameterTuningJobName} sort={sort} onEnd={next}
            onSort={chosen => setQuery({ sort: chosen, order: chosen === sort.key && sort.descending ? 'asc' : null })} />
        : <Empty>{search || state ? 'No tuning job is like that.' : <>No tuning jobs yet. One tries hyperparameters in many training jobs, and keeps the best.<Snippet title="aws" text="aws sagemaker create-hyper-parameter-tuning-job --generate-cli-skeleton" /></>}</Empty>)}
    </Page>
  )
}
