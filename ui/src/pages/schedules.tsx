/** Recurring runs: when they come, whether they are on, and what they made. */
import { useState } from 'preact/hooks'
import { ask, post, remove, useLoaded } from '../api'
import { useTick } from '../changes'
import { duration, moment } from '../format'
import { type Schedule, type Source, nameOf, packageOf } from '../kfp/records'
import { useSend } from '../kfp/send'
import { type Beginning, useDraft } from '../kfp/source'
import { Confirm } from '../parts/confirm'
import { Values } from '../parts/json'
import { Empty, Facts, Page, Problem, Waiting } from '../parts/page'
import { usePages } from '../parts/pages'
import { type Column, Table } from '../parts/table'
import { Badge } from '../parts/state'
import { type Route, go, to } from '../route'
import type { RunRow } from './runs'

interface Answer { recurringRuns?: Schedule[]; next_page_token?: string }

const path = (id: string) => `/apis/v2beta1/recurringruns/${encodeURIComponent(id)}`

function when({ trigger }: Schedule): string {
  if (trigger.cron_schedule) return `cron ${trigger.cron_schedule.cron}`
  return `every ${duration(Number(trigger.periodic_schedule?.interval_second ?? 0))}`
}

const On = ({ row }: { row: Schedule }) => <Badge state={row.status === 'ENABLED' ? 'running' : 'skipped'} word={row.status === 'ENABLED' ? 'on' : 'off'} />

const columns: Column<Schedule>[] = [
  { key: 'status', label: 'State', width: '90px', cell: row => <On row={row} /> },
  { key: 'name', label: 'Schedule', width: 'minmax(200px, 1fr)', cell: row => <a href={to('recurringrun', 'details', row.recurring_run_id)}>{row.display_name}</a> },
  { key: 'when', label: 'When', width: '200px', cell: when },
  { key: 'created', label: 'Created', width: '130px', numeric: true, cell: row => moment(row.created_at) },
]

export function SchedulesPage({ route }: { route: Route }) {
  if (route.parts[1] === 'new') return <New route={route} />
  if (route.parts[1] === 'details') return <One key={route.parts[2]} id={route.parts[2] ?? ''} />
  return <List />
}

function List() {
  const load = (token = '') => ask<Answer>(`/apis/v2beta1/recurringruns?page_size=200&sort_by=created_at%20desc&page_token=${encodeURIComponent(token)}`)
  const first = useLoaded(() => load(), [], useTick(1000))
  const { rows, next } = usePages('', first.value, answer => answer.recurringRuns ?? [], answer => answer.next_page_token, load, row => row.recurring_run_id)
  return (
    <Page title="Schedules" actions={<a class="button" href={to('recurringruns', 'new')}>New schedule</a>}>
      <Problem error={first.error} />
      {first.waiting && <Waiting what="schedules" />}
      {first.value && (rows.length
        ? <Table label="Schedules" rows={rows} columns={columns} id={row => row.recurring_run_id} onEnd={next} />
        : <Empty>No schedule. One runs a pipeline again and again, by a cron expression or at an interval.</Empty>)}
    </Page>
  )
}

function One({ id }: { id: string }) {
  const tick = useTick(1000)
  const loaded = useLoaded(() => ask<Schedule>(path(id)), [id], tick)
  const filter = JSON.stringify({ predicates: [{ key: 'recurring_run_id', operation: 'EQUALS', string_value: id }] })
  const made = useLoaded(() => ask<{ runs?: RunRow[]; total_size?: number }>(`/apis/v2beta1/runs?page_size=50&sort_by=created_at%20desc&filter=${encodeURIComponent(filter)}`), [id], tick)
  const { send, refused } = useSend()
  const found = loaded.value
  if (!found) return <Page title="Schedule"><Problem error={loaded.error} />{loaded.waiting && <Waiting what="schedule" />}</Page>
  const isOn = found.status === 'ENABLED'
  return (
    <Page
      title={found.display_name} beside={<On row={found} />} above={<a href={to('recurringruns')}>Schedules</a>}
      actions={<>
        <button onClick={() => void send(async () => { await post(`${path(id)}:${isOn ? 'disable' : 'enable'}`); loaded.again() })}>{isOn ? 'Turn off' : 'Turn on'}</button>
        <Confirm label="Delete" question="Delete this schedule? Its runs stay." onYes={() => void send(async () => { await remove(path(id)); go(to('recurringruns')) })} />
      </>}
    >
      {refused}
      <Problem error={loaded.error ?? made.error} />
      <div class="cards">
        <section class="card" aria-label="When">
          <h2>When</h2>
          <Facts listed rows={[
            ['comes', when(found)],
            ['pipeline', <Made source={found} />],
            ['at the same time', found.max_concurrency],
            ['missed ones', found.no_catchup ? 'are left out' : 'are made up for'],
            ['created', moment(found.created_at)],
            ['error', found.error?.message],
          ]} />
        </section>
        <section class="card" aria-label="Parameters"><h2>Parameters</h2><Values values={found.runtime_config?.parameters} /></section>
        <section class="card wide" aria-label="Its runs">
          <h2>Its runs <span class="dim count">{made.value?.total_size ?? 0}</span></h2>
          {made.value && !made.value.runs?.length && <p class="dim">None yet.</p>}
          <ul class="list">
            {(made.value?.runs ?? []).map(run => <li key={run.run_id}><a href={to('runs', 'details', run.run_id)}>{run.display_name}</a> <span class="dim">{run.state.toLowerCase()} · {moment(run.created_at)}</span></li>)}
          </ul>
        </section>
      </div>
    </Page>
  )
}

/** The pipeline that it runs: a link, where it is one that was uploaded. */
function Made({ source }: { source: Source }) {
  const { pipeline_id: id, pipeline_version_id: version } = source.pipeline_version_reference ?? {}
  const name = nameOf(useLoaded(() => packageOf(source), [id, version]).value ?? undefined)
  return id ? <a href={to('pipelines', 'details', id, ...(version ? ['version', version] : []))}>{name || id}</a> : <>{name}</>
}

function New({ route }: { route: Route }) {
  const reference = { pipeline_id: route.query.get('pipeline') ?? '', pipeline_version_id: route.query.get('version') ?? '' }
  const begin: Beginning = { pipeline_version_reference: reference }
  const draft = useDraft(begin, 'schedule')
  const [kind, setKind] = useState('cron')
  const [cron, setCron] = useState('0 0 * * * *')
  const [seconds, setSeconds] = useState('3600')
  const { send, busy, refused } = useSend()
  const trigger = kind === 'cron' ? { cron_schedule: { cron } } : { periodic_schedule: { interval_second: seconds } }
  const make = () => send(async () => {
    const schedule = await post<Schedule>('/apis/v2beta1/recurringruns', { ...draft.body(), trigger, mode: 'ENABLE', max_concurrency: '1', no_catchup: true })
    go(to('recurringrun', 'details', schedule.recurring_run_id))
  })
  return (
    <Page title="New schedule" above={<a href={to('recurringruns')}>Schedules</a>}>
      <form class="form" onSubmit={event => { event.preventDefault(); void make() }}>
        {draft.fields}
        <label for="kind">When</label>
        <select id="kind" value={kind} onChange={event => setKind(event.currentTarget.value)}>
          <option value="cron">by a cron expression</option>
          <option value="interval">at an interval</option>
        </select>
        {kind === 'cron'
          ? <><label for="cron">Cron</label><div class="field"><input id="cron" class="mono" value={cron} onInput={event => setCron(event.currentTarget.value)} /><small class="dim">six fields, seconds first, as KFP has it: every hour is 0 0 * * * *</small></div></>
          : <><label for="seconds">Seconds between</label><input id="seconds" inputMode="numeric" value={seconds} onInput={event => setSeconds(event.currentTarget.value)} /></>}
        <div class="all">{refused}</div>
        <button class="primary" disabled={busy || !draft.ready}>Make the schedule</button>
      </form>
    </Page>
  )
}
