/** The page of a transform job: what is sent to the model, how, and where the answers go. */
import { Facts, Problem, Waiting } from '../parts/page'
import { Values } from '../parts/json'
import { to } from '../route'
import { Course, type Instances, courseOf, useJob } from './course'
import { JobFrame } from './frame'
import { Place, Places, type Source, readAs, wayOf } from './places'

interface Transform {
  TransformJobStatus: string
  FailureReason?: string
  CreationTime: string
  TransformStartTime?: string
  TransformEndTime?: string
  ModelName: string
  MaxConcurrentTransforms?: number
  MaxPayloadInMB?: number
  BatchStrategy?: string
  ModelClientConfig?: { InvocationsMaxRetries?: number; InvocationsTimeoutInSeconds?: number }
  Environment?: Record<string, string>
  TransformInput: { DataSource: Source; ContentType?: string; SplitType?: string; CompressionType?: string }
  TransformOutput: { S3OutputPath: string; Accept?: string; AssembleWith?: string }
  TransformResources: Instances
  DataProcessing?: { InputFilter?: string; OutputFilter?: string; JoinSource?: string }
}

export function TransformPage({ name }: { name: string }) {
  const { value: job, error, waiting } = useJob<Transform>('Transform', name)
  return (
    <JobFrame kind="Transform" name={name} status={job?.TransformJobStatus} told={job}>
      <section class="card">
        <Problem error={error} />{waiting && <Waiting what="transform job" />}
        {job && <Course reason={job.FailureReason} on={job.TransformResources} {...courseOf(job.TransformJobStatus, job.CreationTime, job.TransformStartTime, job.TransformEndTime)} />}
      </section>
      {job && <div class="stack">
        <section class="card"><h2>Inputs and outputs</h2><Ends job={job} /></section>
        <section class="card"><h2>Requests</h2><Requests job={job} /></section>
      </div>}
    </JobFrame>
  )
}

/** What a member says, where it says something. */
const set = (value?: string) => (value === 'None' ? undefined : value)
const by = (words: string, value?: string) => value && (set(value) ? `${words} by ${value.toLowerCase()}` : `not ${words}`)

function Ends({ job: { TransformInput: given, TransformOutput: output, DataProcessing: joined, ModelName: model } }: { job: Transform }) {
  const source = given.DataSource.S3DataSource
  return (
    <Places rows={[
      ['input', <Place uri={source?.S3Uri} as={readAs(source?.S3DataType)} how={[...wayOf(source), given.ContentType, by('split', given.SplitType), given.CompressionType && (set(given.CompressionType) ?? 'not compressed')]} />],
      ['input filter', joined?.InputFilter && <code>{joined.InputFilter}</code>],
      ['model', <a href={to('models', model)}>{model}</a>],
      ['joined with', set(joined?.JoinSource) && 'its input'],
      ['output filter', joined?.OutputFilter && <code>{joined.OutputFilter}</code>],
      ['output', <Place uri={output.S3OutputPath} as="folder" how={[output.Accept, by('assembled', output.AssembleWith)]} />],
    ]} />
  )
}

function Requests({ job }: { job: Transform }) {
  const { InvocationsMaxRetries: retries, InvocationsTimeoutInSeconds: timeout } = job.ModelClientConfig ?? {}
  return (
    <>
      <Facts rows={[
        ['strategy', job.BatchStrategy],
        ['largest payload', job.MaxPayloadInMB !== undefined && `${job.MaxPayloadInMB} MB`],
        ['at once', job.MaxConcurrentTransforms],
        ['timeout', timeout !== undefined && `${timeout} s`],
        ['retries', retries],
      ]} />
      {job.Environment && <><h3>Environment</h3><Values values={job.Environment} /></>}
    </>
  )
}
