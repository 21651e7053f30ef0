/** The first page: what to copy when there is nothing yet; later what runs, what failed, what answers. */
import { ask, aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { between, moment } from '../format'
import { Snippet } from '../parts/copy'
import { Page, Problem } from '../parts/page'
import { Badge, stateOf } from '../parts/state'
import { to } from '../route'
import type { RunRow } from './runs'

const SHOWN = 6

const first = `from kfp import Client, dsl

@dsl.component
def hello(name: str) -> str:
    return f'Hello, {name}!'

@dsl.pipeline(name='hello')
def pipeline(name: str = 'you'):
    hello(name=name)

Client().create_run_from_pipeline_func(pipeline)`

const runs = (state: string) => {
  const filter = JSON.stringify({ predicates: [{ key: 'state', operation: 'EQUALS', string_value: state }] })
  return ask<{ runs?: RunRow[]; total_size?: number }>(`/apis/v2beta1/runs?page_size=${SHOWN}&sort_by=created_at%20desc&filter=${encodeURIComponent(filter)}`)
}

interface Room { capacity: { cores: number; memory_bytes: number }; in_use: { cores: number; memory_bytes: number }; waiting_count: number }
interface Endpoint { EndpointName: string; EndpointStatus: string; CreationTime: string }

export function HomePage() {
  const tick = useTick(1000)
  const any = useLoaded(() => ask<{ total_size?: number }>('/apis/v2beta1/runs?page_size=1'), [], tick)
  const running = useLoaded(() => runs('RUNNING'), [], tick)
  const failed = useLoaded(() => runs('FAILED'), [], tick)
  const room = useLoaded(() => ask<{ tasks: Room; jobs: Room }>('/flowmaker/v1/room'), [], tick)
  const endpoints = useLoaded(() => aws<{ Endpoints: Endpoint[] }>('sagemaker', 'ListEndpoints', { MaxResults: SHOWN }), [], tick)
  const isNew = any.value !== null && !any.value.total_size
  return (
    <Page title="Home">
      <Problem error={any.error} />
      <div class="cards tiles">
        {isNew && <section class="card wide" aria-label="Begin"><h2>Begin</h2><Begin /></section>}
        <section class="card" aria-label="Running now">
          <h2>Running now</h2>
          <Runs rows={running.value?.runs} none="Nothing runs." more={running.value?.total_size} state="RUNNING" />
        </section>
        <section class="card" aria-label="Failed lately">
          <h2>Failed lately</h2>
          <Runs rows={failed.value?.runs} none="Nothing failed." more={failed.value?.total_size} state="FAILED" />
        </section>
        <section class="card" aria-label="Endpoints">
          <h2>Endpoints</h2>
          {endpoints.error && <Problem error={endpoints.error} />}
          {endpoints.value && (endpoints.value.Endpoints.length
            ? <ul class="list">{endpoints.value.Endpoints.map(each => (
                <li key={each.EndpointName}><Badge state={stateOf(each.EndpointStatus)} word={each.EndpointStatus} /> <a href={to('endpoints', each.EndpointName)}>{each.EndpointName}</a></li>
              ))}</ul>
            : <p class="dim">No endpoint answers.</p>)}
        </section>
        <section class="card" aria-label="Room left">
          <h2><a href={to('cluster')}>Room</a></h2>
          <Problem error={room.error} />
          {room.value && <table class="plain"><tbody>
            <Left name="tasks" room={room.value.tasks} />
            <Left name="jobs" room={room.value.jobs} />
          </tbody></table>}
        </section>
        {!isNew && any.value && <details class="card wide"><summary>How to make a run</summary><Begin /></details>}
      </div>
    </Page>
  )
}

const Begin = () => (
  <>
    <p>In a terminal, once: kfp, boto3, the SageMaker SDK, aws and kubectl then talk to this server.</p>
    <Snippet title="shell" text={'eval "$(flowmaker env)"'} />
    <p>A first run:</p>
    <Snippet title="Python" text={first} />
    <p>Or the tutorial, from a user's permissions to a prediction, in half a minute:</p>
    <Snippet title="sample" text="flowmaker demo --keep" />
  </>
)

function Runs({ rows, none, more = 0, state }: { rows?: RunRow[]; none: string; more?: number; state: string }) {
  if (!rows?.length) return <p class="dim">{none}</p>
  return (
    <ul class="list">
      {rows.map(run => (
        <li key={run.run_id}>
          <a href={to('runs', 'details', run.run_id)}>{run.display_name}</a>{' '}
          <span class="dim">{moment(run.created_at)} · {between(run.created_at, run.finished_at)}</span>
          {run.error && <span class="dim clip" title={run.error.message}>{run.error.message.split('\n', 1)[0]}</span>}
        </li>
      ))}
      {more > rows.length && <li><a href={`${to('runs')}?state=${state}`}>all {more}</a></li>}
    </ul>
  )
}

function Left({ name, room }: { name: string; room: Room }) {
  const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        {room.in_use.cores} of {room.capacity.cores} cores<br />
        {gigabytes(room.in_use.memory_bytes)} of {gigabytes(room.capacity.memory_bytes)}<br />
        {room.waiting_count ? `${room.waiting_count} wait` : 'nobody waits'}
      </td>
    </tr>
  )
}
