/** A training job: the same on its own page and in the panel of the task that made it. */
import type { ApiError } from '../api'
import { S3Link } from '../buckets/link'
import { Values } from '../parts/json'
import { Problem, Waiting } from '../parts/page'
import { Badge, stateOf } from '../parts/state'
import { Principal } from '../permissions/link'
import { to } from '../route'
import { Course, type Instances, type Step, useJob } from './course'
import { JobFrame } from './frame'
import { Metrics } from './metrics'
import { Place, Places, type Row, type Source, readAs, wayOf } from './places'

export interface Training {
  TrainingJobName: string
  TrainingJobStatus: string
  SecondaryStatus: string
  FailureReason?: string
  CreationTime: string
  LastModifiedTime: string
  TrainingStartTime?: string
  TrainingEndTime?: string
  BillableTimeInSeconds?: number
  HyperParameters?: Record<string, string>
  AlgorithmSpecification: { TrainingImage?: string }
  ResourceConfig: Instances
  InputDataConfig?: { ChannelName: string; ContentType?: string; InputMode?: string; DataSource: Source }[]
  OutputDataConfig?: { S3OutputPath?: string }
  ModelArtifacts?: { S3ModelArtifacts?: string }
  RoleArn?: string
  TuningJobArn?: string
  SecondaryStatusTransitions?: Step[]
  FinalMetricDataList?: { MetricName: string; Value: number }[]
}

const useTraining = (name: string) => useJob<Training>('Training', name)

function TrainingView({ job, error }: { job: Training | null; error: ApiError | null }) {
  if (!job) return error ? <Problem error={error} /> : <Waiting what="training job" />
  const tuning = job.TuningJobArn?.split('/').at(-1)
  return (
    <>
      <Problem error={error} />
      <Course reason={job.FailureReason} on={job.ResourceConfig} seconds={job.BillableTimeInSeconds}
        begin={job.CreationTime} end={job.TrainingEndTime} steps={job.SecondaryStatusTransitions ?? []}
        more={[['tuning job', tuning && <a href={to('tuning', tuning)}>{tuning}</a>]]} />
      <h3>Metrics</h3>
      <Metrics job={job} />
    </>
  )
}

export function TrainingPage({ name }: { name: string }) {
  const { value: job, error } = useTraining(name)
  return (
    <JobFrame kind="Training" name={name} status={job?.TrainingJobStatus} word={job?.SecondaryStatus} told={job}>
      <section class="card"><TrainingView job={job} error={error} /></section>
      {job && <div class="stack">
        <section class="card"><h2>Inputs and outputs</h2><Ends job={job} /></section>
        <section class="card"><h2>Hyperparameters</h2><Values values={job.HyperParameters} /></section>
      </div>}
    </JobFrame>
  )
}

/** What a task's panel shows of a training job. */
export function TrainingInPlace({ name }: { name: string }) {
  const { value, error } = useTraining(name)
  return (
    <section class="artifact">
      <h3>training job <a href={to('jobs', 'training', name)}>{name}</a> {value && <Badge state={stateOf(value.TrainingJobStatus)} word={value.SecondaryStatus} />}</h3>
      <TrainingView job={value} error={error} />
    </section>
  )
}

function Ends({ job }: { job: Training }) {
  const made = job.TrainingJobStatus === 'Completed' ? job.ModelArtifacts?.S3ModelArtifacts : undefined
  return (
    <Places rows={[
      ...(job.InputDataConfig ?? []).map((each): Row => {
        const source = each.DataSource.S3DataSource
        return [`input ${each.ChannelName}`, source && <Place uri={source.S3Uri} as={readAs(source.S3DataType)} how={[each.ContentType, each.InputMode, ...wayOf(source)]} />]
      }),
      ['model', made && <S3Link uri={made} />],
      ['output', job.OutputDataConfig?.S3OutputPath && <S3Link uri={job.OutputDataConfig.S3OutputPath} as="folder" />],
      ['image', job.AlgorithmSpecification.TrainingImage],
      ['role', job.RoleArn && <Principal arn={job.RoleArn} />],
    ]} />
  )
}
