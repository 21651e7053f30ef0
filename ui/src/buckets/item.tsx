/** One object: what S3 knows of it, and a look into it. */
import { useState } from 'preact/hooks'
import { ApiError, aws, objectUrl, useLoaded } from '../api'
import { bytes, moment } from '../format'
import { Confirm } from '../parts/confirm'
import { Copy } from '../parts/copy'
import { Values } from '../parts/json'
import { Facts, Problem, Waiting } from '../parts/page'
import { setQuery } from '../route'
import { Preview } from './preview'

interface Head { ContentLength: number; ContentType?: string; LastModified: string; ETag?: string; Metadata?: Record<string, string>; VersionId?: string }

export function Item({ bucket, name, tick, onGone }: { bucket: string; name: string; tick: number; onGone: () => void }) {
  const uri = `s3://${bucket}/${name}`
  const head = useLoaded(() => aws<Head>('s3', 'HeadObject', { Bucket: bucket, Key: name }), [uri], tick)
  const [refused, setRefused] = useState<ApiError | null>(null)
  const found = head.value
  const close = () => setQuery({ key: null })
  const remove = () => aws('s3', 'DeleteObject', { Bucket: bucket, Key: name }).then(() => { close(); onGone() }, (problem: ApiError) => setRefused(problem))
  return (
    <aside class="panel" aria-label="The selected object">
      <h2><span class="clip" title={name}>{name.slice(name.lastIndexOf('/', name.length - 2) + 1)}</span>
        <button class="close" aria-label="Close" onClick={close}>×</button></h2>
      <Problem error={refused ?? head.error} />
      {head.waiting && <Waiting what="object" />}
      {found && (
        <>
          <div class="tryfields">
            <a href={objectUrl(uri, '&download')} download>Download</a>
            <Copy text={uri} label="copy s3://" />
            <Confirm label="Delete" question="Delete it?" onYes={() => void remove()} />
          </div>
          <Facts rows={[['size', bytes(found.ContentLength)], ['type', found.ContentType], ['changed', moment(found.LastModified)], ['version', found.VersionId]]} />
          {found.Metadata && Object.keys(found.Metadata).length > 0 && <Values values={found.Metadata} />}
          <Preview key={found.ETag} uri={uri} size={found.ContentLength} type={found.ContentType ?? ''} />
        </>
      )}
    </aside>
  )
}
