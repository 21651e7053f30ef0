/** A training job: the same on its own page and in the panel of the task that made it. */
import type { ComponentChildren } from 'preact'
import { ApiError, aws, useLoaded } from '../api'
import { S3Link } from '../buckets/link'
import { useTick } from '../changes'
import { between, moment } from '../format'
import { Facts, Problem, Waiting } from '../parts/page'
import { to } from '../route'
import { Badge, stateOf } from '../parts/state'
import { Metrics } from './metrics'
import { costOf } from './prices'

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
  ResourceConfig: { InstanceType?: string; InstanceCount?: number }
  InputDataConfig?: { ChannelName: string; DataSource: { S3DataSource?: { S3Uri: string } } }[]
  OutputDataConfig?: { S3OutputPath?: string }
  ModelArtifacts?: { S3ModelArtifacts?: string }
  RoleArn?: string
  TuningJobArn?: string
  SecondaryStatusTransitions?: { Status: string; StartTime: string; EndTime?: string; StatusMessage?: string }[]
  FinalMetricDataList?: { MetricName: string; Value: number }[]
}

export const useTraining = (name: string) => {
  const tick = useTick(1000)
  return useLoaded(() => aws<Training>('sagemaker', 'DescribeTrainingJob', { TrainingJobName: name }), [name], tick)
}

export function TrainingView({ job, error }: { job: Training | null; error: ApiError | null }) {
  if (!job) return error ? <Problem error={error} /> : <Waiting what="training job" />
  const { InstanceType: type, InstanceCount: count } = job.ResourceConfig
  const tuning = job.TuningJobArn?.split('/').at(-1)
  return (
    <>
      <Problem error={error} />
      {job.FailureReason && <pre class="failure" role="alert">{job.FailureReason}</pre>}
      <Facts rows={[
        ['elapsed', between(job.CreationTime, job.TrainingEndTime)],
        ['instance', `${count ?? 1} × ${type ?? ''}`],
        ['billable', job.BillableTimeInSeconds !== undefined ? `${job.BillableTimeInSeconds} s` : ''],
        ['AWS would charge', costOf(type, count, job.BillableTimeInSeconds)],
        ['tuning job', tuning && <a href={to('tuning', tuning)}>{tuning}</a>],
      ]} />
      <h3>Status</h3>
      <ol class="history">{(job.SecondaryStatusTransitions ?? []).map((each, at) => (
        <li key={at}><strong>{each.Status}</strong> <span class="dim">{moment(each.StartTime)}{each.EndTime !== each.StartTime && ` · ${between(each.StartTime, each.EndTime)}`}</span> {each.StatusMessage}</li>
      ))}</ol>
      <h3>Metrics</h3>
      <Metrics job={job} />
    </>
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

export const Places = ({ job }: { job: Training }) => (
  <Facts rows={[
    ...(job.InputDataConfig ?? []).map((each): [string, ComponentChildren] => [`input ${each.ChannelName}`, each.DataSource.S3DataSource && <S3Link uri={each.DataSource.S3DataSource.S3Uri} folder />]),
    ['model', job.TrainingJobStatus === 'Completed' && job.ModelArtifacts?.S3ModelArtifacts ? <S3Link uri={job.ModelArtifacts.S3ModelArtifacts} /> : ''],
    ['output', job.OutputDataConfig?.S3OutputPath && <S3Link uri={job.OutputDataConfig.S3OutputPath} folder />],
    ['image', job.AlgorithmSpecification.TrainingImage],
    ['role', job.RoleArn],
  ]} />
)
