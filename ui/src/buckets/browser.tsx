/** What is in a bucket, one folder at a time; files that are dropped here are uploaded. */
import { useEffect, useState } from 'preact/hooks'
import { ApiError, aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { bytes, moment } from '../format'
import { Confirm } from '../parts/confirm'
import { Snippet } from '../parts/copy'
import { Empty, Page, Problem, Waiting } from '../parts/page'
import { usePages } from '../parts/pages'
import { type Column, Table } from '../parts/table'
import { go, to } from '../route'
import { Item } from './item'
import { bucketPage, folderOf } from './link'
import { Uploads, useUploads } from './uploads'

interface Answer {
  Contents?: { Key: string; Size: number; LastModified: string }[]
  CommonPrefixes?: { Prefix: string }[]
  NextContinuationToken?: string
}
interface Row { key: string; folder: boolean; size?: number; changed?: string }

/** Folders first, as S3 tells them apart. */
const rowsOf = (answer: Answer): Row[] => [
  ...(answer.CommonPrefixes ?? []).map(each => ({ key: each.Prefix, folder: true })),
  ...(answer.Contents ?? []).map(each => ({ key: each.Key, folder: false, size: each.Size, changed: each.LastModified })),
]

export function Browser({ bucket, prefix, selected }: { bucket: string; prefix: string; selected: string }) {
  const tick = useTick(2000)
  const load = (token?: string) =>
    aws<Answer>('s3', 'ListObjectsV2', { Bucket: bucket, Prefix: prefix, Delimiter: '/', MaxKeys: 500, ...(token ? { ContinuationToken: token } : {}) })
  const first = useLoaded(load, [bucket, prefix], tick)
  const { rows, next } = usePages(prefix, first.value, rowsOf, answer => answer.NextContinuationToken, load, row => row.key)
  const folder = folderOf(prefix)
  useOnly(bucket, prefix, first.value)
  const uploads = useUploads(bucket, folder, first.again)
  const [over, setOver] = useState(false)
  const [refused, setRefused] = useState<ApiError | null>(null)
  const columns: Column<Row>[] = [
    { key: 'name', label: 'Name', width: 'minmax(180px, 1fr)', cell: row => (
      <a href={bucketPage(`s3://${bucket}/${row.key}`, row.folder ? 'folder' : 'object')}>{row.key.slice(folder.length) || '(this folder)'}</a>
    ) },
    { key: 'size', label: 'Size', width: '90px', numeric: true, cell: row => (row.size === undefined ? '' : bytes(row.size)) },
    { key: 'changed', label: 'Changed', width: '120px', numeric: true, cell: row => <span title={row.changed}>{moment(row.changed)}</span> },
  ]
  const remove = () => aws('s3', 'DeleteBucket', { Bucket: bucket }).then(() => go(to('buckets')), (problem: ApiError) => setRefused(problem))
  return (
    <Page title={bucket} above={<Crumbs bucket={bucket} prefix={prefix} />}
      actions={<>
        <label class="dim">Upload <input type="file" multiple onChange={event => { uploads.send([...(event.currentTarget.files ?? [])]); event.currentTarget.value = '' }} /></label>
        {first.value && !prefix && !rows.length && <Confirm label="Delete bucket" question={`Delete ${bucket}?`} onYes={() => void remove()} />}
      </>}>
      <Problem error={refused ?? first.error} />
      <Uploads uploads={uploads.list} />
      <div class={`browser${selected ? ' withpanel' : ''}${over ? ' dropping' : ''}`} role="group" aria-label="Objects; files can be dropped here"
        onDragOver={event => { event.preventDefault(); setOver(true) }} onDragLeave={() => setOver(false)}
        onDrop={event => { event.preventDefault(); setOver(false); uploads.send([...(event.dataTransfer?.files ?? [])]) }}>
        {first.waiting && !rows.length ? <Waiting what="objects" /> : rows.length
          ? <Table key={prefix} label="Objects" rows={rows} columns={columns} id={row => row.key} selected={selected} onEnd={next} />
          : first.value && <Empty>Nothing here. Drop files, or<Snippet title="an upload" text={`aws s3 cp FILE s3://${bucket}/${folder}`} /></Empty>}
        {selected && <Item key={selected} bucket={bucket} name={selected} tick={tick} onGone={first.again} />}
      </div>
    </Page>
  )
}

/** A prefix that is no folder and that one thing alone begins with: it is shown at once, in place of the list. */
function useOnly(bucket: string, prefix: string, answer: Answer | null) {
  useEffect(() => {
    if (!answer || !prefix || prefix.endsWith('/')) return
    const [only, other] = rowsOf(answer)
    if (only && !other) location.replace(bucketPage(`s3://${bucket}/${only.key}`, only.folder ? 'folder' : 'object'))
  }, [answer])
}

/** `bucket / data / raw /`: each a link, but the last. */
function Crumbs({ bucket, prefix }: { bucket: string; prefix: string }) {
  const parts = prefix.split('/').filter(Boolean)
  return (
    <>
      <a href={to('buckets')}>Buckets</a> / {parts.length ? <a href={to('buckets', bucket)}>{bucket}</a> : bucket}
      {parts.map((part, at) => (
        <span key={at}> / {at + 1 === parts.length ? `${part}${prefix.endsWith('/') ? '' : '…'}` : <a href={bucketPage(`s3://${bucket}/${parts.slice(0, at + 1).join('/')}`, 'folder')}>{part}</a>}</span>
      ))}
    </>
  )
}
