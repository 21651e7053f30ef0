/** What of the machine is asked for: who holds room, what waits and why; and what is running. */
import { ask, aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { between, bytes, number } from '../format'
import { Page, Problem, Waiting } from '../parts/page'
import { Badge, stateOf } from '../parts/state'
import { to } from '../route'

interface Amount { cores: number; memory_bytes: number }
interface Half {
  capacity: Amount
  in_use: Amount
  held: { what: string; asks_for: string }[]
  waiting: { what: string; asks_for: string; why: string }[]
  waiting_count: number
}
interface Room { tasks: Half; jobs: Half }
interface Going { kind: string; name: string; state: string; since: string; page: string }

const MOST = 50

/** The jobs that have not ended and the endpoints, as SageMaker lists them. */
async function going(): Promise<Going[]> {
  const asked = { StatusEquals: 'InProgress', MaxResults: MOST }
  const [training, processing, transform, endpoints] = await Promise.all([
    aws<{ TrainingJobSummaries: { TrainingJobName: string; TrainingJobStatus: string; CreationTime: string }[] }>('sagemaker', 'ListTrainingJobs', asked),
    aws<{ ProcessingJobSummaries: { ProcessingJobName: string; ProcessingJobStatus: string; CreationTime: string }[] }>('sagemaker', 'ListProcessingJobs', asked),
    aws<{ TransformJobSummaries: { TransformJobName: string; TransformJobStatus: string; CreationTime: string }[] }>('sagemaker', 'ListTransformJobs', asked),
    aws<{ Endpoints: { EndpointName: string; EndpointStatus: string; CreationTime: string }[] }>('sagemaker', 'ListEndpoints', { MaxResults: MOST }),
  ])
  return [
    ...training.TrainingJobSummaries.map(job => ({ kind: 'training job', name: job.TrainingJobName, state: job.TrainingJobStatus, since: job.CreationTime, page: to('jobs', 'training', job.TrainingJobName) })),
    ...processing.ProcessingJobSummaries.map(job => ({ kind: 'processing job', name: job.ProcessingJobName, state: job.ProcessingJobStatus, since: job.CreationTime, page: to('jobs', 'processing', job.ProcessingJobName) })),
    ...transform.TransformJobSummaries.map(job => ({ kind: 'transform job', name: job.TransformJobName, state: job.TransformJobStatus, since: job.CreationTime, page: to('jobs', 'transform', job.TransformJobName) })),
    ...endpoints.Endpoints.map(each => ({ kind: 'endpoint', name: each.EndpointName, state: each.EndpointStatus, since: each.CreationTime, page: to('endpoints', each.EndpointName) })),
  ]
}

export function ClusterPage() {
  const tick = useTick(1000)
  const room = useLoaded(() => ask<Room>('/flowmaker/v1/room'), [], tick)
  const jobs = useLoaded(going, [], tick)
  return (
    <Page title="Cluster">
      <Problem error={room.error} />
      {room.waiting && <Waiting what="room" />}
      <div class="cards roomy">
        {room.value && <Share title="Pipelines’ tasks" half={room.value.tasks} />}
        {room.value && <Share title="SageMaker jobs" half={room.value.jobs} />}
        <section class="card wide">
          <h2>Jobs that run, and endpoints</h2>
          <Problem error={jobs.error} />
          {jobs.value && (jobs.value.length ? (
            <table class="plain" aria-label="Jobs that run, and endpoints">
              <thead><tr><th scope="col">State</th><th scope="col">Name</th><th scope="col">What</th><th scope="col">For</th></tr></thead>
              <tbody>{jobs.value.map(each => (
                <tr key={each.kind + each.name}>
                  <td><Badge state={stateOf(each.state)} word={each.state} /></td>
                  <td><a href={each.page}>{each.name}</a></td><td>{each.kind}</td><td>{between(each.since)}</td>
                </tr>
              ))}</tbody>
            </table>
          ) : <p class="dim">Nothing runs.</p>)}
        </section>
      </div>
    </Page>
  )
}

function Share({ title, half }: { title: string; half: Half }) {
  const { capacity, in_use: used } = half
  return (
    <section class="card">
      <h2>{title}</h2>
      <Meter label={`Cores of ${title}`} said={`${number(used.cores)} of ${number(capacity.cores)} cores`} share={used.cores / capacity.cores} />
      <Meter label={`Memory of ${title}`} said={`${bytes(used.memory_bytes)} of ${bytes(capacity.memory_bytes)}`} share={used.memory_bytes / capacity.memory_bytes} />
      <h3>Holds room</h3>
      {half.held.length ? <ul class="history">{half.held.map((each, at) => <li key={at}>{each.what} <span class="dim">{each.asks_for}</span></li>)}</ul> : <p class="dim">Nobody.</p>}
      <h3>Waits{half.waiting_count ? ` (${half.waiting_count})` : ''}</h3>
      {half.waiting.length ? <ol class="history">{half.waiting.map((each, at) => <li key={at}>{each.what} <span class="dim">{each.asks_for}; {each.why}</span></li>)}</ol> : <p class="dim">Nothing.</p>}
    </section>
  )
}

const Meter = ({ label, said, share }: { label: string; said: string; share: number }) => (
  <div class="gauge"><meter aria-label={label} min={0} max={1} value={Math.min(1, share || 0)} /> <span>{said}</span></div>
)
