/** What serves an endpoint, and what will when an update has gone through. */
import { to } from '../route'
import { number } from '../format'

export interface Variant {
  VariantName: string
  DeployedImages?: { SpecifiedImage: string; ResolvedImage: string }[]
  CurrentWeight?: number
  DesiredWeight?: number
  CurrentInstanceCount?: number
  DesiredInstanceCount?: number
  VariantStatus?: { Status: string; StatusMessage?: string }[]
  CurrentServerlessConfig?: { MemorySizeInMB: number; MaxConcurrency: number; ProvisionedConcurrency?: number }
}
interface Async { OutputConfig?: { S3OutputPath?: string; S3FailurePath?: string } }
interface Deployment { BlueGreenUpdatePolicy?: { TrafficRoutingConfiguration?: { Type?: string } }; RollingUpdatePolicy?: object }

export interface Described {
  EndpointName: string
  EndpointArn: string
  EndpointConfigName?: string
  EndpointStatus: string
  FailureReason?: string
  CreationTime: string
  LastModifiedTime: string
  ProductionVariants?: Variant[]
  DataCaptureConfig?: { CaptureStatus: string; CurrentSamplingPercentage: number; DestinationS3Uri: string }
  AsyncInferenceConfig?: Async
  LastDeploymentConfig?: Deployment
  PendingDeploymentSummary?: { EndpointConfigName: string; ProductionVariants?: Variant[]; StartTime?: string }
}
export interface Config {
  ProductionVariants: { VariantName: string; ModelName?: string; InstanceType?: string }[]
  ExecutionRoleArn?: string
  EnableNetworkIsolation?: boolean
  AsyncInferenceConfig?: Async
  CreationTime: string
}

export function Variants({ endpoint, config }: { endpoint: Described; config: Config | null }) {
  const pending = endpoint.PendingDeploymentSummary
  return (
    <>
      {endpoint.ProductionVariants?.length
        ? <Rows variants={endpoint.ProductionVariants} config={config} label="Variants" />
        : <p class="dim">{endpoint.EndpointStatus === 'Creating' ? 'They are being started.' : 'There are none.'}</p>}
      {pending && (
        <>
          <h3>Update to {pending.EndpointConfigName}</h3>
          <Rows variants={pending.ProductionVariants ?? []} config={null} label="Variants of the update" />
        </>
      )}
    </>
  )
}

function Rows({ variants, config, label }: { variants: Variant[]; config: Config | null; label: string }) {
  const total = variants.reduce((sum, each) => sum + (each.CurrentWeight ?? 0), 0)
  return (
    <table class="plain" aria-label={label}>
      <thead><tr><th>Variant</th><th>Model</th><th>Traffic</th><th>Instances</th><th>On</th><th>Image</th></tr></thead>
      <tbody>
        {variants.map(variant => {
          const made = config?.ProductionVariants.find(each => each.VariantName === variant.VariantName)
          const serverless = variant.CurrentServerlessConfig
          return (
            <tr key={variant.VariantName}>
              <td>{variant.VariantName}</td>
              <td>{made?.ModelName && <a href={to('models', made.ModelName)}>{made.ModelName}</a>}</td>
              <td>{total && variant.CurrentWeight !== undefined ? `${number((100 * variant.CurrentWeight) / total)} %` : '–'}
                <span class="dim"> weight {moved(variant.CurrentWeight, variant.DesiredWeight)}</span></td>
              <td>{serverless ? 'serverless' : moved(variant.CurrentInstanceCount, variant.DesiredInstanceCount)}
                {variant.VariantStatus?.map(each => <span key={each.Status} class="dim" title={each.StatusMessage}> {each.Status}</span>)}</td>
              <td>{made?.InstanceType ?? (serverless && `${serverless.MemorySizeInMB} MB, ${serverless.MaxConcurrency} at once`)}</td>
              <td>{variant.DeployedImages?.map(each => <code key={each.SpecifiedImage}>{each.SpecifiedImage}</code>)}</td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

/** `1`, or `1 → 3` while it changes. */
const moved = (now?: number, then?: number) => (then === undefined || now === then ? String(now ?? '–') : `${now ?? 0} → ${then}`)
