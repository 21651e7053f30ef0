/** The page of one job. */
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { ApiError, aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { between } from '../format'
import { Confirm } from '../parts/confirm'
import { GroupLog } from '../parts/grouplog'
import { Values } from '../parts/json'
import { Facts, Page, Problem, Waiting } from '../parts/page'
import { Badge, stateOf } from '../parts/state'
import { to } from '../route'
import { costOf } from './prices'
import { Places, TrainingView, useTraining } from './training'

interface Frame { kind: string; name: string; status?: string; word?: string; children: ComponentChildren }

function JobFrame({ kind, name, status, word, children }: Frame) {
  const [refused, setRefused] = useState<ApiError | null>(null)
  const stop = () => aws('sagemaker', `Stop${kind}Job`, { [`${kind}JobName`]: name }).then(() => setRefused(null), (problem: ApiError) => setRefused(problem))
  return (
    <Page title={name} above={<a href={to('jobs', kind.toLowerCase())}>{kind} jobs</a>}
      beside={status && <Badge state={stateOf(status)} word={word ?? status} />}
      actions={status === 'InProgress' && <Confirm label="Stop" question={`Stop ${name}?`} onYes={() => void stop()} />}>
      <Problem error={refused} />
      <div class="cards roomy">
        {children}
        <section class="card wide tall"><h2>Log</h2><GroupLog key={status} group={`/aws/sagemaker/${kind}Jobs`} prefix={`${name}/`} /></section>
      </div>
    </Page>
  )
}

export function TrainingPage({ name }: { name: string }) {
  const { value: job, error } = useTraining(name)
  return (
    <JobFrame kind="Training" name={name} status={job?.TrainingJobStatus} word={job?.SecondaryStatus}>
      <section class="card"><TrainingView job={job} error={error} /></section>
      {job && <div class="stack">
        <section class="card"><h2>Inputs and outputs</h2><Places job={job} /></section>
        <section class="card"><h2>Hyperparameters</h2><Values values={job.HyperParameters} /></section>
      </div>}
    </JobFrame>
  )
}

type Described = Record<string, unknown> & {
  FailureReason?: string
  CreationTime: string
  ProcessingResources?: { ClusterConfig?: { InstanceType?: string; InstanceCount?: number } }
  TransformResources?: { InstanceType?: string; InstanceCount?: number }
}
const ABOVE = new Set(['FailureReason', 'CreationTime', 'LastModifiedTime', 'ResponseMetadata'])

/** A processing or a transform job: its request as it was, in place of what only training has. */
export function OtherPage({ kind, name }: { kind: 'Processing' | 'Transform'; name: string }) {
  const tick = useTick(1000)
  const { value: job, error, waiting } = useLoaded(() => aws<Described>('sagemaker', `Describe${kind}Job`, { [`${kind}JobName`]: name }), [kind, name], tick)
  const time = (what: string) => job?.[`${kind}${what}Time`] as string | undefined
  const on = job?.ProcessingResources?.ClusterConfig ?? job?.TransformResources
  const [begin, end] = [time('Start'), time('End')]
  const seconds = begin && end ? Math.ceil((Date.parse(end) - Date.parse(begin)) / 1000) : undefined
  return (
    <JobFrame kind={kind} name={name} status={job?.[`${kind}JobStatus`] as string | undefined}>
      <Problem error={error} />{waiting && <Waiting what="job" />}
      {job && <section class="card wide">
        {job.FailureReason && <pre class="failure" role="alert">{job.FailureReason}</pre>}
        <Facts rows={[
          ['elapsed', between(job.CreationTime, end)], ['instance', on && `${on.InstanceCount ?? 1} × ${on.InstanceType ?? ''}`],
          ['AWS would charge', costOf(on?.InstanceType, on?.InstanceCount, seconds)],
        ]} />
        <Values values={Object.fromEntries(Object.entries(job).filter(([key]) => !ABOVE.has(key)))} />
      </section>}
    </JobFrame>
  )
}
