/** Models that endpoints and transforms use, and the registry's groups with their versions. */
import { aws, useLoaded } from '../api'
import { S3Link } from '../buckets/link'
import { useTick } from '../changes'
import { moment } from '../format'
import { useSend } from '../kfp/send'
import { Confirm } from '../parts/confirm'
import { Values } from '../parts/json'
import { Empty, Facts, Page, Problem, Waiting } from '../parts/page'
import { usePages } from '../parts/pages'
import { type Column, Table } from '../parts/table'
import { Principal } from '../permissions/link'
import { type Route, go, setQuery, to } from '../route'

interface Summary { ModelName: string; CreationTime: string }
interface Answer { Models: Summary[]; NextToken?: string }
interface Container { Image?: string; ModelDataUrl?: string; Environment?: Record<string, string>; ContainerHostname?: string }
interface Model { ModelName: string; CreationTime: string; ExecutionRoleArn?: string; PrimaryContainer?: Container; Containers?: Container[] }
interface Group { ModelPackageGroupName: string; ModelPackageGroupDescription?: string; CreationTime: string }
interface Version { ModelPackageArn: string; ModelPackageVersion?: number; ModelApprovalStatus?: string; ModelPackageDescription?: string; CreationTime: string }

const columns: Column<Summary>[] = [
  { key: 'name', label: 'Model', width: 'minmax(200px, 1fr)', cell: row => <a href={to('models', row.ModelName)}>{row.ModelName}</a> },
  { key: 'created', label: 'Created', width: '130px', numeric: true, cell: row => moment(row.CreationTime) },
]

export function ModelsPage({ route }: { route: Route }) {
  const [, first = '', second = ''] = route.parts
  if (first === 'groups' && second) return <GroupPage key={second} name={second} />
  return first ? <One key={first} name={first} /> : <List search={route.query.get('q') ?? ''} />
}

function List({ search }: { search: string }) {
  const tick = useTick(1000)
  const load = (token?: string) => aws<Answer>('sagemaker', 'ListModels', {
    MaxResults: 100, SortBy: 'CreationTime', SortOrder: 'Descending', ...(search ? { NameContains: search } : {}), ...(token ? { NextToken: token } : {}),
  })
  const first = useLoaded(() => load(), [search], tick)
  const groups = useLoaded(() => aws<{ ModelPackageGroupSummaryList: Group[] }>('sagemaker', 'ListModelPackageGroups', { MaxResults: 100 }), [], tick)
  const { rows, next } = usePages(search, first.value, answer => answer.Models, answer => answer.NextToken, load, row => row.ModelName)
  const registered = groups.value?.ModelPackageGroupSummaryList ?? []
  return (
    <Page title="Models" actions={<input class="search" type="search" aria-label="Search models by name" placeholder="name contains…" value={search} onInput={event => setQuery({ q: event.currentTarget.value || null })} />}>
      <Problem error={first.error} />
      {first.waiting && <Waiting what="models" />}
      {registered.length > 0 && (
        <section class="card pad" aria-label="Registry">
          <h2>Registry</h2>
          <ul class="list">{registered.map(each => <li key={each.ModelPackageGroupName}><a href={to('models', 'groups', each.ModelPackageGroupName)}>{each.ModelPackageGroupName}</a> <span class="dim">{each.ModelPackageGroupDescription} {moment(each.CreationTime)}</span></li>)}</ul>
        </section>
      )}
      {first.value && (rows.length
        ? <Table label="Models" rows={rows} columns={columns} id={row => row.ModelName} onEnd={next} />
        : <Empty>{search ? 'No model is called so.' : 'No model. One is an image with what a training job made: CreateModel, or the SDK\'s deploy.'}</Empty>)}
    </Page>
  )
}

function One({ name }: { name: string }) {
  const loaded = useLoaded(() => aws<Model>('sagemaker', 'DescribeModel', { ModelName: name }), [name])
  const { send, refused } = useSend()
  const model = loaded.value
  const containers = model ? (model.Containers?.length ? model.Containers : model.PrimaryContainer ? [model.PrimaryContainer] : []) : []
  return (
    <Page title={name} above={<a href={to('models')}>Models</a>} actions={
      <Confirm label="Delete" question="Delete this model? Its files stay." onYes={() => void send(async () => { await aws('sagemaker', 'DeleteModel', { ModelName: name }); go(to('models')) })} />
    }>
      {refused}
      <Problem error={loaded.error} />
      {loaded.waiting && <Waiting what="model" />}
      {model && <div class="cards roomy">
        <section class="card wide" aria-label="Model"><Facts rows={[['created', moment(model.CreationTime)], ['role', model.ExecutionRoleArn && <Principal arn={model.ExecutionRoleArn} />]]} /></section>
        {containers.map((each, at) => (
          <section key={at} class="card" aria-label={`Container ${at + 1}`}>
            <h2>{containers.length > 1 ? `Container ${at + 1}` : 'Container'}</h2>
            <Facts listed rows={[['image', each.Image], ['host name', each.ContainerHostname], ['data', each.ModelDataUrl && <S3Link uri={each.ModelDataUrl} />]]} />
            <h3>Environment</h3>
            <Values values={each.Environment} />
          </section>
        ))}
      </div>}
    </Page>
  )
}

function GroupPage({ name }: { name: string }) {
  const loaded = useLoaded(() => aws<{ ModelPackageSummaryList: Version[] }>('sagemaker', 'ListModelPackages', { ModelPackageGroupName: name, SortBy: 'CreationTime', SortOrder: 'Descending' }), [name], useTick(2000))
  const { send, refused } = useSend()
  const set = (arn: string, ModelApprovalStatus: string) => send(async () => { await aws('sagemaker', 'UpdateModelPackage', { ModelPackageArn: arn, ModelApprovalStatus }); loaded.again() })
  return (
    <Page title={name} above={<a href={to('models')}>Models</a>}>
      {refused}
      <Problem error={loaded.error} />
      {loaded.value && (
        <table class="plain pad">
          <thead><tr><th scope="col">Version</th><th scope="col">Approval</th><th scope="col">Created</th><th scope="col">Description</th></tr></thead>
          <tbody>{loaded.value.ModelPackageSummaryList.map(each => (
            <tr key={each.ModelPackageArn}>
              <td>{each.ModelPackageVersion}</td>
              <td><select aria-label={`Approval of version ${each.ModelPackageVersion}`} value={each.ModelApprovalStatus} onChange={event => void set(each.ModelPackageArn, event.currentTarget.value)}>
                {['PendingManualApproval', 'Approved', 'Rejected'].map(status => <option key={status} value={status}>{status}</option>)}
              </select></td>
              <td>{moment(each.CreationTime)}</td>
              <td>{each.ModelPackageDescription}</td>
            </tr>
          ))}</tbody>
        </table>
      )}
    </Page>
  )
}
