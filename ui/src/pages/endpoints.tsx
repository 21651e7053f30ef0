/** Endpoints: a table of them, by `NextToken` as many as there are. */
import { aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { moment } from '../format'
import { EndpointPage } from '../endpoints/endpoint'
import { Snippet } from '../parts/copy'
import { Empty, Page, Problem, Waiting } from '../parts/page'
import { Badge, stateOf } from '../parts/state'
import { type Column, Table } from '../parts/table'
import { usePages } from '../parts/pages'
import { type Route, setQuery, to } from '../route'

interface Summary { EndpointName: string; EndpointStatus: string; CreationTime: string; LastModifiedTime: string }
interface Answer { Endpoints: Summary[]; NextToken?: string }

const columns: Column<Summary>[] = [
  { key: 'state', label: 'State', width: '150px', cell: row => <Badge state={stateOf(row.EndpointStatus)} word={row.EndpointStatus} /> },
  { key: 'name', label: 'Endpoint', width: 'minmax(200px, 1fr)', cell: row => <a href={to('endpoints', row.EndpointName)}>{row.EndpointName}</a> },
  { key: 'created', label: 'Created', width: '130px', numeric: true, cell: row => <span title={row.CreationTime}>{moment(row.CreationTime)}</span> },
  { key: 'changed', label: 'Changed', width: '130px', numeric: true, cell: row => <span title={row.LastModifiedTime}>{moment(row.LastModifiedTime)}</span> },
]

const HOW = `import boto3

sm = boto3.client("sagemaker")
sm.create_model(ModelName="mine", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": "s3://…/model.tar.gz"})
sm.create_endpoint_config(EndpointConfigName="mine", ProductionVariants=[
    {"VariantName": "AllTraffic", "ModelName": "mine", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}])
sm.create_endpoint(EndpointName="mine", EndpointConfigName="mine")`

export function EndpointsPage({ route }: { route: Route }) {
  const name = route.parts[1]
  return name ? <EndpointPage key={name} name={name} /> : <List route={route} />
}

function List({ route }: { route: Route }) {
  const search = route.query.get('q') ?? ''
  const tick = useTick(1000)
  const asked = { MaxResults: 100, SortBy: 'CreationTime', SortOrder: 'Descending', ...(search ? { NameContains: search } : {}) }
  const load = (token?: string) => aws<Answer>('sagemaker', 'ListEndpoints', { ...asked, ...(token ? { NextToken: token } : {}) })
  const first = useLoaded(load, [search], tick)
  const { rows, next } = usePages(search, first.value, answer => answer.Endpoints, answer => answer.NextToken, load, row => row.EndpointName)
  return (
    <Page title="Endpoints" actions={
      <input class="search" type="search" aria-label="Search endpoints by name" placeholder="name contains…" value={search}
        onInput={event => setQuery({ q: event.currentTarget.value || null })} />}>
      <Problem error={first.error} />
      {first.waiting && <Waiting what="endpoints" />}
      {first.value && (rows.length
        ? <Table label="Endpoints" rows={rows} columns={columns} id={row => row.EndpointName} onEnd={next} />
        : <Empty>{search ? 'No endpoint is called so.' : <>No endpoints. One serves a model over HTTP, on this machine.<Snippet title="boto3" text={HOW} /></>}</Empty>)}
    </Page>
  )
}
