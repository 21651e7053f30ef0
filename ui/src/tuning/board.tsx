/** A tuning job's trials: best first, their objective one after the other, and what it depends on. */
import { ApiError, aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { between, number } from '../format'
import { Chart } from '../parts/chart'
import { Facts, Problem, Waiting } from '../parts/page'
import { Badge, Counts, stateOf } from '../parts/state'
import { to } from '../route'
import { Coordinates, type Trial } from './coordinates'

interface Summary {
  TrainingJobName: string
  TrainingJobStatus: string
  CreationTime: string
  TunedHyperParameters?: Record<string, string>
  FinalHyperParameterTuningJobObjectiveMetric?: { Value: number }
}
export interface Tuning {
  HyperParameterTuningJobName: string
  HyperParameterTuningJobStatus: string
  FailureReason?: string
  CreationTime: string
  HyperParameterTuningEndTime?: string
  HyperParameterTuningJobConfig: { Strategy: string; ResourceLimits?: { MaxNumberOfTrainingJobs?: number; MaxParallelTrainingJobs?: number } }
  TrainingJobDefinition?: { HyperParameterTuningJobObjective?: Objective }
  TrainingJobStatusCounters?: { Completed?: number; InProgress?: number; RetryableError?: number; NonRetryableError?: number; Stopped?: number }
  BestTrainingJob?: Summary
}
interface Objective { Type: string; MetricName: string }
interface Answer { TrainingJobSummaries: Summary[]; NextToken?: string }

/** Trials that are read, and shown: the first ones of a very large tuning job. */
const MOST = 500

async function trialsOf(name: string): Promise<Summary[]> {
  const found: Summary[] = []
  let token: string | undefined
  do {
    const page: Answer = await aws('sagemaker', 'ListTrainingJobsForHyperParameterTuningJob', { HyperParameterTuningJobName: name, MaxResults: 100, SortBy: 'CreationTime', SortOrder: 'Ascending', ...(token ? { NextToken: token } : {}) })
    found.push(...page.TrainingJobSummaries)
    token = page.NextToken
  } while (token && found.length < MOST)
  return found
}

export function useTuning(name: string) {
  const tick = useTick(1000)
  return useLoaded(async () => {
    const asked = { HyperParameterTuningJobName: name }
    const [job, trials] = await Promise.all([aws<Tuning & { HyperParameterTuningJobConfig: { HyperParameterTuningJobObjective?: Objective } }>('sagemaker', 'DescribeHyperParameterTuningJob', asked), trialsOf(name)])
    return { job, trials, objective: job.HyperParameterTuningJobConfig.HyperParameterTuningJobObjective ?? job.TrainingJobDefinition?.HyperParameterTuningJobObjective }
  }, [name], tick)
}
export type Board = NonNullable<ReturnType<typeof useTuning>['value']>

export function TuningBoard({ board, error, small = false }: { board: Board | null; error: ApiError | null; small?: boolean }) {
  if (!board) return error ? <Problem error={error} /> : <Waiting what="tuning job" />
  const { job, objective } = board
  const trials: Trial[] = board.trials.map(each => ({
    name: each.TrainingJobName, status: each.TrainingJobStatus, values: each.TunedHyperParameters ?? {}, objective: each.FinalHyperParameterTuningJobObjectiveMetric?.Value,
  }))
  const sign = objective?.Type === 'Minimize' ? 1 : -1
  const ranked = [...trials].sort((a, b) => (a.objective === undefined ? 1 : 0) - (b.objective === undefined ? 1 : 0) || sign * ((a.objective ?? 0) - (b.objective ?? 0)))
  const best = job.BestTrainingJob?.TrainingJobName ?? ranked[0]?.name
  const counts = job.TrainingJobStatusCounters ?? {}
  const metric = objective?.MetricName ?? 'objective'
  const names = Object.keys(trials[0]?.values ?? {})
  return (
    <>
      <Problem error={error} />
      {job.FailureReason && <pre class="failure" role="alert">{job.FailureReason}</pre>}
      <Facts rows={[
        ['elapsed', between(job.CreationTime, job.HyperParameterTuningEndTime)],
        ['trials', <Counts counts={{ succeeded: counts.Completed, running: counts.InProgress, failed: (counts.RetryableError ?? 0) + (counts.NonRetryableError ?? 0), cancelled: counts.Stopped }} />],
        ['of at most', job.HyperParameterTuningJobConfig.ResourceLimits?.MaxNumberOfTrainingJobs],
        ['strategy', job.HyperParameterTuningJobConfig.Strategy],
        ['objective', objective && `${objective.Type} ${metric}`],
        ['best', best && ranked[0]?.objective !== undefined && <a href={to('jobs', 'training', best)}>{best}</a>],
      ]} />
      {trials.length > 1 && <Chart title={`${metric} of each trial`} data={[trials.map((_, at) => at + 1), trials.map(each => each.objective ?? null)]} labels={[metric]} />}
      {!small && <><h3>Hyperparameters and objective</h3><Coordinates trials={trials} objective={metric} best={best} /></>}
      <table class="plain" aria-label="Trials, the best first">
        <thead><tr><th>Trial</th><th>State</th><th class="num">{metric}</th>{!small && names.map(name => <th key={name} class="num">{name}</th>)}</tr></thead>
        <tbody>{ranked.slice(0, small ? 5 : MOST).map(each => (
          <tr key={each.name}>
            <td><a href={to('jobs', 'training', each.name)}>{each.name}</a>{each.name === best && each.objective !== undefined && ' ★ best'}</td>
            <td><Badge state={stateOf(each.status)} word={each.status} /></td>
            <td class="num">{each.objective === undefined ? '–' : number(each.objective)}</td>
            {!small && names.map(name => <td key={name} class="num">{Number.isNaN(Number(each.values[name])) ? each.values[name] : number(Number(each.values[name]))}</td>)}
          </tr>
        ))}</tbody>
      </table>
    </>
  )
}

/** What a task's panel shows of a tuning job. */
export function TuningInPlace({ name }: { name: string }) {
  const { value, error } = useTuning(name)
  const status = value?.job.HyperParameterTuningJobStatus
  return (
    <section class="artifact">
      <h3>tuning job <a href={to('tuning', name)}>{name}</a> {status && <Badge state={stateOf(status)} word={status} />}</h3>
      <TuningBoard board={value} error={error} small />
    </section>
  )
}
