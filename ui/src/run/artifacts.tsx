/** Artifacts of a task: what they are, KFP's visualisations of them, and the files. */
import { aws, objectUrl, useLoaded } from '../api'
import { bucketPage, placeOf } from '../buckets/link'
import { Preview } from '../buckets/preview'
import { Values } from '../parts/json'
import { Visual } from './visuals'

export interface Artifact {
  name?: string
  uri: string
  type?: { schemaTitle?: string }
  metadata?: Record<string, unknown>
}

const MEASURED = new Set(['Metrics', 'ClassificationMetrics', 'SlicedClassificationMetrics'])
/** KFP's visualisations show what is in them. */
const SHOWN = new Set([...MEASURED, 'HTML', 'Markdown'])

export function Artifacts({ of }: { of?: Record<string, Artifact[]> }) {
  const entries = Object.entries(of ?? {})
  return (
    <>
      {entries.map(([name, artifacts]) => artifacts.map(artifact => <One key={artifact.uri} name={name} artifact={artifact} />))}
    </>
  )
}

const kindOf = (artifact: Artifact) => (artifact.type?.schemaTitle ?? 'system.Artifact').replace('system.', '')

const One = ({ name, artifact }: { name: string; artifact: Artifact }) => (
  <section class="artifact">
    <h3>{name} <span class="dim">{kindOf(artifact)}</span></h3>
    <ArtifactView artifact={artifact} />
  </section>
)

export function ArtifactView({ artifact }: { artifact: Artifact }) {
  const kind = kindOf(artifact)
  const inS3 = artifact.uri.startsWith('s3://')
  return (
    <>
      <div class="uri">
        {inS3 ? <a href={bucketPage(artifact.uri)}>{artifact.uri}</a> : <code>{artifact.uri}</code>}
        {inS3 && <> · <a href={objectUrl(artifact.uri, '&download')} download>download</a></>}
      </div>
      <Visual kind={kind} artifact={artifact} />
      {inS3 && !SHOWN.has(kind) && <Look uri={artifact.uri} />}
      {!MEASURED.has(kind) && artifact.metadata && Object.keys(artifact.metadata).length > 0 && <Values values={artifact.metadata} />}
    </>
  )
}

interface Listed { Contents?: { Key: string; Size: number; ETag?: string }[]; KeyCount: number }

/** What is in the artifact's object: it may also be a folder, or not be there (yet). */
function Look({ uri }: { uri: string }) {
  const { bucket, key } = placeOf(uri)
  const loaded = useLoaded(async () => {
    // A list says without an error that there is nothing.
    const listed = await aws<Listed>('s3', 'ListObjectsV2', { Bucket: bucket, Prefix: key, MaxKeys: 2 })
    const found = listed.Contents?.find(each => each.Key === key)
    if (!found) return { folder: listed.Contents?.some(each => each.Key.startsWith(`${key}/`)) ?? false, size: 0, type: '' }
    const head = await aws<{ ContentType?: string; ContentLength: number }>('s3', 'HeadObject', { Bucket: bucket, Key: key })
    return { folder: false, size: head.ContentLength, type: head.ContentType ?? '' }
  }, [uri])
  const found = loaded.value
  if (!found) return null
  if (found.folder) return <p class="dim">It is a folder: <a href={bucketPage(uri, 'folder')}>look into it</a>.</p>
  return found.size ? <Preview uri={uri} size={found.size} type={found.type} /> : null
}
