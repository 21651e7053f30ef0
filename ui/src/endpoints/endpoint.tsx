/** One endpoint: how it is, what serves it, a request to try, and its log. */
import { useState } from 'preact/hooks'
import { ApiError, aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { moment } from '../format'
import { Confirm } from '../parts/confirm'
import { GroupLog } from '../parts/grouplog'
import { Facts, Page, Problem, Waiting } from '../parts/page'
import { Badge, stateOf } from '../parts/state'
import { S3Link } from '../buckets/link'
import { Principal } from '../permissions/link'
import { go, to } from '../route'
import { EndpointMetrics } from './metrics'
import { TryIt } from './try'
import { type Config, type Described, Variants } from './variants'

export function EndpointPage({ name }: { name: string }) {
  const tick = useTick(1000)
  const loaded = useLoaded(() => aws<Described>('sagemaker', 'DescribeEndpoint', { EndpointName: name }), [name], tick)
  const found = loaded.value
  const configName = found?.EndpointConfigName ?? ''
  const config = useLoaded(async () => (configName ? aws<Config>('sagemaker', 'DescribeEndpointConfig', { EndpointConfigName: configName }) : null), [configName])
  const [refused, setRefused] = useState<ApiError | null>(null)
  const remove = () => aws('sagemaker', 'DeleteEndpoint', { EndpointName: name }).then(() => go(to('endpoints')), (problem: ApiError) => setRefused(problem))
  return (
    <Page
      title={name}
      above={<a href={to('endpoints')}>Endpoints</a>}
      beside={found && <Badge state={stateOf(found.EndpointStatus)} word={found.EndpointStatus} />}
      actions={found && <>
        <Facts rows={[['created', moment(found.CreationTime)], ['changed', moment(found.LastModifiedTime)]]} />
        <Confirm label="Delete" question={`Delete the endpoint ${name}?`} onYes={() => void remove()} />
      </>}
    >
      <Problem error={refused ?? loaded.error} />
      {loaded.waiting && <Waiting what="endpoint" />}
      {found && (
        <div class="cards roomy">
          {found.FailureReason && <div class="notice bad inside" role="alert">{found.FailureReason}</div>}
          <section class="card wide"><h2>Variants</h2><Variants endpoint={found} config={config.value} /></section>
          <div class="stack">
            <section class="card"><h2>Try it</h2><TryIt endpoint={name} /></section>
            <section class="card"><h2>Configuration</h2><Problem error={config.error} /><Configuration endpoint={found} config={config.value} /></section>
          </div>
          <section class="card"><h2>Requests</h2><EndpointMetrics endpoint={name} variants={found.ProductionVariants?.map(each => each.VariantName) ?? []} /></section>
          <section class="card wide tall"><h2>Log</h2><GroupLog group={`/aws/sagemaker/Endpoints/${name}`} /></section>
        </div>
      )}
    </Page>
  )
}

function Configuration({ endpoint, config }: { endpoint: Described; config: Config | null }) {
  const capture = endpoint.DataCaptureConfig
  const later = endpoint.AsyncInferenceConfig ?? config?.AsyncInferenceConfig
  const last = endpoint.LastDeploymentConfig
  return (
    <Facts listed rows={[
      ['name', endpoint.EndpointConfigName],
      ['created', moment(config?.CreationTime)],
      ['role', config?.ExecutionRoleArn && <Principal arn={config.ExecutionRoleArn} />],
      ['network isolation', config?.EnableNetworkIsolation ? 'yes' : ''],
      ['last update', last && (last.RollingUpdatePolicy ? 'rolling' : `blue/green, ${(last.BlueGreenUpdatePolicy?.TrafficRoutingConfiguration?.Type ?? 'ALL_AT_ONCE').toLowerCase().replaceAll('_', ' ')}`)],
      ['capture', capture && `${capture.CaptureStatus}, ${capture.CurrentSamplingPercentage} %`],
      ['captured data', capture && <S3Link uri={capture.DestinationS3Uri} as="folder" />],
      ['asynchronous answers', later?.OutputConfig?.S3OutputPath && <S3Link uri={later.OutputConfig.S3OutputPath} as="folder" />],
      ['failures', later?.OutputConfig?.S3FailurePath && <S3Link uri={later.OutputConfig.S3FailurePath} as="folder" />],
    ]} />
  )
}
