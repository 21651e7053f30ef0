/** The SageMaker jobs that a task made, in place. */
import { ask, useLoaded } from '../api'
import { EndpointInPlace } from '../endpoints/inplace'
import { TrainingInPlace } from '../jobs/training'
import { useTick } from '../changes'
import { to } from '../route'
import { TuningInPlace } from '../tuning/board'
import type { Task } from './panel'

const ARN = /arn:aws:sagemaker:[a-z0-9-]+:\d{12}:([a-z-]+)\/([A-Za-z0-9-]+)/

/** The pages of what ARNs name. */
const PAGES: Record<string, [string, string]> = {
  'training-job': ['jobs', 'training'],
  'processing-job': ['jobs', 'processing'],
  'transform-job': ['jobs', 'transform'],
  'hyper-parameter-tuning-job': ['tuning', ''],
  endpoint: ['endpoints', ''],
  model: ['models', ''],
}

type Found = { kind: string; name: string }

/** What AWS was asked for by a task, as the server saw it: its SDK says which task it is in. */
interface Decision { action: string; resource: string; allowed: boolean }
const MADE = /^sagemaker:Create(TrainingJob|ProcessingJob|TransformJob|HyperParameterTuningJob|Endpoint)$/

async function seen(run: string, task: string): Promise<Found[]> {
  const { decisions } = await ask<{ decisions: Decision[] }>(`/ui/iam/decisions?run=${run}&task=${task}`)
  const found = decisions.filter(each => each.allowed && MADE.test(each.action)).map(each => ARN.exec(each.resource))
  return found.flatMap(match => (match?.[1] && match[2] && PAGES[match[1]] ? [{ kind: match[1], name: match[2] }] : []))
}

/** Names that the components' parameters have; they are there while a task runs, its outputs are not. */
const NAMED: Record<string, string> = { endpoint_name: 'endpoint', model_name: 'model' }

/** What a component that has a parameter `job_name` makes, by the others that it has. */
function kindOf(given: Record<string, unknown>): string {
  if ('channels' in given || 'hyperparameters' in given) return 'training-job'
  if ('model_name' in given) return 'transform-job'
  return 'strategy' in given ? 'hyper-parameter-tuning-job' : 'processing-job'
}

export function jobsOf(task: Task): Found[] {
  const found = new Map<string, Found>()
  const values = { ...task.input_parameters, ...task.output_parameters }
  const add = (kind: string, name: string) => found.set(`${kind}/${name}`, { kind, name })
  for (const value of Object.values(values)) {
    const match = typeof value === 'string' ? ARN.exec(value) : null
    if (match?.[1] && match[2] && PAGES[match[1]]) add(match[1], match[2])
  }
  for (const [parameter, kind] of Object.entries(NAMED))
    if (typeof values[parameter] === 'string' && values[parameter]) add(kind, values[parameter])
  // A text alone says nothing of SageMaker: a component of it has also a region.
  if (typeof values.job_name === 'string' && values.job_name && 'region' in values) add(kindOf(values), values.job_name)
  return [...found.values()]
}

export function Jobs({ run, task, revision }: { run: string; task: Task; revision: number }) {
  const tick = useTick(2000)
  const isOver = Boolean(task.end_time)
  const asked = useLoaded(async () => (task.kind === 'CONTAINER' && !task.cached_from ? seen(run, task.task_id) : []), [run, task.task_id, isOver], isOver ? revision : tick)
  const told = jobsOf(task)
  const jobs = [...told, ...(asked.value ?? []).filter(each => !told.some(one => one.kind === each.kind && one.name === each.name))]
  const trained = jobs.filter(each => each.kind === 'training-job')
  const tuned = jobs.filter(each => each.kind === 'hyper-parameter-tuning-job')
  const endpoints = jobs.filter(each => each.kind === 'endpoint')
  const others = jobs.filter(each => !trained.includes(each) && !tuned.includes(each) && !endpoints.includes(each))
  if (!jobs.length) return null
  return (
    <>
      {trained.map(each => <TrainingInPlace key={each.name} name={each.name} />)}
      {tuned.map(each => <TuningInPlace key={each.name} name={each.name} />)}
      {endpoints.map(each => <EndpointInPlace key={each.name} name={each.name} />)}
      {others.length > 0 && <ul class="jobs">
        {others.map(({ kind, name }) => {
          const [page = '', group = ''] = PAGES[kind] ?? []
          return <li key={kind + name}>{kind.replaceAll('-', ' ')} <a href={to(page, ...(group ? [group] : []), name)}>{name}</a></li>
        })}
      </ul>}
    </>
  )
}
