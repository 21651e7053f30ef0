/** Buckets of S3: a list of them, and what is in one. */
import { useState } from 'preact/hooks'
import { ApiError, aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { moment } from '../format'
import { Browser } from '../buckets/browser'
import { Snippet } from '../parts/copy'
import { Empty, Page, Problem, Waiting } from '../parts/page'
import { usePages } from '../parts/pages'
import { type Column, Table } from '../parts/table'
import { type Route, go, to } from '../route'

interface Bucket { Name: string; CreationDate: string; BucketRegion?: string }
interface Answer { Buckets: Bucket[]; ContinuationToken?: string }

const columns: Column<Bucket>[] = [
  { key: 'name', label: 'Bucket', width: 'minmax(200px, 1fr)', cell: bucket => <a href={to('buckets', bucket.Name)}>{bucket.Name}</a> },
  { key: 'region', label: 'Region', width: '130px', cell: bucket => bucket.BucketRegion },
  { key: 'created', label: 'Created', width: '130px', numeric: true, cell: bucket => <span title={bucket.CreationDate}>{moment(bucket.CreationDate)}</span> },
]

export function BucketsPage({ route }: { route: Route }) {
  const bucket = route.parts[1]
  if (!bucket) return <List />
  return <Browser key={bucket} bucket={bucket} prefix={route.query.get('prefix') ?? ''} selected={route.query.get('key') ?? ''} />
}

function List() {
  const tick = useTick(2000)
  const load = (token?: string) => aws<Answer>('s3', 'ListBuckets', { MaxBuckets: 500, ...(token ? { ContinuationToken: token } : {}) })
  const first = useLoaded(load, [], tick)
  const { rows, next } = usePages('', first.value, answer => answer.Buckets, answer => answer.ContinuationToken, load, bucket => bucket.Name)
  return (
    <Page title="Buckets" actions={<NewBucket />}>
      <Problem error={first.error} />
      {first.waiting && <Waiting what="buckets" />}
      {first.value && (rows.length
        ? <Table label="Buckets" rows={rows} columns={columns} id={bucket => bucket.Name} onEnd={next} />
        : <Empty>No buckets. They hold what pipelines and jobs read and write.<Snippet title="a bucket" text="aws s3 mb s3://my-bucket" /></Empty>)}
    </Page>
  )
}

function NewBucket() {
  const [name, setName] = useState('')
  const [refused, setRefused] = useState<ApiError | null>(null)
  const make = () => aws('s3', 'CreateBucket', { Bucket: name }).then(() => go(to('buckets', name)), (problem: ApiError) => setRefused(problem))
  return (
    <form class="acts" onSubmit={event => { event.preventDefault(); if (name) void make() }}>
      {refused && <span class="danger" role="alert">{refused.message}</span>}
      <input aria-label="Name of a new bucket" placeholder="new-bucket" value={name} onInput={event => { setName(event.currentTarget.value.trim()); setRefused(null) }} />
      <button disabled={!name}>Make a bucket</button>
    </form>
  )
}
