/** The SageMaker jobs that a task made, in place. */
import { to } from '../route'
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

export function jobsOf(task: Task): { kind: string; name: string }[] {
  const found = new Map<string, { kind: string; name: string }>()
  for (const value of Object.values({ ...task.input_parameters, ...task.output_parameters })) {
    const match = typeof value === 'string' ? ARN.exec(value) : null
    if (match?.[1] && match[2] && PAGES[match[1]]) found.set(match[0], { kind: match[1], name: match[2] })
  }
  return [...found.values()]
}

export function Jobs({ task }: { task: Task; theme: string }) {
  const jobs = jobsOf(task)
  if (!jobs.length) return null
  return (
    <ul class="jobs">
      {jobs.map(({ kind, name }) => {
        const [page = '', group = ''] = PAGES[kind] ?? []
        return <li key={kind + name}>{kind.replaceAll('-', ' ')} <a href={to(page, ...(group ? [group] : []), name)}>{name}</a></li>
      })}
    </ul>
  )
}
