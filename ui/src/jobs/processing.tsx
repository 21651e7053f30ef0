/** The page of a processing job: a program, what it reads and what it leaves. */
import { duration } from '../format'
import { Snippet } from '../parts/copy'
import { Values } from '../parts/json'
import { Facts, Problem, Waiting } from '../parts/page'
import { Principal } from '../permissions/link'
import { Course, type Instances, courseOf, useJob } from './course'
import { JobFrame } from './frame'
import { Place, Places, type Row, type Taken, readAs, wayOf } from './places'

interface Processing {
  ProcessingJobStatus: string
  FailureReason?: string
  ExitMessage?: string
  CreationTime: string
  ProcessingStartTime?: string
  ProcessingEndTime?: string
  ProcessingInputs?: { InputName: string; S3Input?: Taken & { S3Uri: string; LocalPath?: string; S3InputMode?: string } }[]
  ProcessingOutputConfig?: { Outputs: { OutputName: string; S3Output?: { S3Uri: string; LocalPath?: string; S3UploadMode?: string } }[] }
  ProcessingResources: { ClusterConfig?: Instances }
  StoppingCondition?: { MaxRuntimeInSeconds: number }
  AppSpecification: { ImageUri: string; ContainerEntrypoint?: string[]; ContainerArguments?: string[] }
  Environment?: Record<string, string>
  NetworkConfig?: { EnableNetworkIsolation?: boolean }
  RoleArn?: string
}

export function ProcessingPage({ name }: { name: string }) {
  const { value: job, error, waiting } = useJob<Processing>('Processing', name)
  return (
    <JobFrame kind="Processing" name={name} status={job?.ProcessingJobStatus} told={job}>
      <section class="card">
        <Problem error={error} />{waiting && <Waiting what="processing job" />}
        {job && <Course reason={job.FailureReason} on={job.ProcessingResources.ClusterConfig} {...courseOf(job.ProcessingJobStatus, job.CreationTime, job.ProcessingStartTime, job.ProcessingEndTime)} />}
        {job?.ExitMessage && <><h3>Exit message</h3><pre class={job.FailureReason ? 'failure' : 'json'} tabIndex={0} aria-label="Exit message">{job.ExitMessage}</pre></>}
      </section>
      {job && <div class="stack">
        <section class="card"><h2>Inputs and outputs</h2><Ends job={job} /></section>
        <section class="card"><h2>Program</h2><Program job={job} /></section>
      </div>}
    </JobFrame>
  )
}

function Ends({ job }: { job: Processing }) {
  const rows: Row[] = [
    ...(job.ProcessingInputs ?? []).map(({ InputName: name, S3Input: from }): Row =>
      [`input ${name}`, <Place uri={from?.S3Uri} as={readAs(from?.S3DataType)} how={[from?.LocalPath, from?.S3InputMode, ...wayOf(from)]} />]),
    ...(job.ProcessingOutputConfig?.Outputs ?? []).map(({ OutputName: name, S3Output: place }): Row =>
      [`output ${name}`, <Place uri={place?.S3Uri} as="folder" how={[place?.LocalPath, place?.S3UploadMode]} />]),
  ]
  return rows.length ? <Places rows={rows} /> : <p class="dim">It reads and leaves nothing in S3.</p>
}

const PLAIN = /^[\w@%+=:,./-]+$/

/** A command as a shell would take it. */
const lineOf = (words: string[]) => words.map(word => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ')

function Program({ job: { AppSpecification: { ImageUri: image, ContainerEntrypoint = [], ContainerArguments = [] }, ...job } }: { job: Processing }) {
  return (
    <>
      <Facts listed rows={[
        ['image', image],
        ['role', job.RoleArn && <Principal arn={job.RoleArn} />],
        ['at most', job.StoppingCondition && duration(job.StoppingCondition.MaxRuntimeInSeconds)],
        ['network', job.NetworkConfig?.EnableNetworkIsolation && 'isolated'],
      ]} />
      <Snippet title="command" text={lineOf([...ContainerEntrypoint, ...ContainerArguments])} />
      {job.Environment && <><h3>Environment</h3><Values values={job.Environment} /></>}
    </>
  )
}
