/** Artifacts of a task: what they are, KFP's visualisations of them, and the files. */
import { objectUrl } from '../api'
import { to } from '../route'
import { Values } from '../parts/json'
import { Visual } from './visuals'

export interface Artifact {
  name?: string
  uri: string
  type?: { schemaTitle?: string }
  metadata?: Record<string, unknown>
}

export function Artifacts({ of }: { of?: Record<string, Artifact[]> }) {
  const entries = Object.entries(of ?? {})
  return (
    <>
      {entries.map(([name, artifacts]) => artifacts.map(artifact => <One key={artifact.uri} name={name} artifact={artifact} />))}
    </>
  )
}

function One({ name, artifact }: { name: string; artifact: Artifact }) {
  const kind = (artifact.type?.schemaTitle ?? 'system.Artifact').replace('system.', '')
  const inS3 = artifact.uri.startsWith('s3://')
  const [bucket = '', ...key] = artifact.uri.replace('s3://', '').split('/')
  return (
    <section class="artifact">
      <h3>{name} <span class="dim">{kind}</span></h3>
      <div class="uri">
        {inS3 ? <a href={`${to('buckets', bucket)}?key=${encodeURIComponent(key.join('/'))}`}>{artifact.uri}</a> : <code>{artifact.uri}</code>}
        {inS3 && <> · <a href={objectUrl(artifact.uri, '&download')} download>download</a></>}
      </div>
      <Visual kind={kind} artifact={artifact} />
      {!['Metrics', 'ClassificationMetrics', 'SlicedClassificationMetrics'].includes(kind) && artifact.metadata && Object.keys(artifact.metadata).length > 0 && <Values values={artifact.metadata} />}
    </section>
  )
}
