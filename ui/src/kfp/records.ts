/** What KFP's API tells of pipelines, schedules and experiments, and what is in a package. */
import { ask } from '../api'

export interface Pipeline { pipeline_id: string; display_name: string; description?: string; created_at: string }
export interface Version {
  pipeline_id: string
  pipeline_version_id: string
  display_name: string
  description?: string
  created_at: string
  code_source_url?: string
  pipeline_spec: Package
}
export interface Experiment {
  experiment_id: string
  display_name: string
  description?: string
  created_at: string
  last_run_created_at?: string
  storage_state: string
}
export interface Source {
  pipeline_version_reference?: { pipeline_id: string; pipeline_version_id?: string }
  pipeline_spec?: Package
}
export interface RuntimeConfig { parameters?: Record<string, unknown>; pipeline_root?: string }
export interface Schedule extends Source {
  recurring_run_id: string
  display_name: string
  experiment_id: string
  status: 'ENABLED' | 'DISABLED'
  created_at: string
  max_concurrency?: string
  no_catchup?: boolean
  runtime_config?: RuntimeConfig
  trigger: { cron_schedule?: { cron: string }; periodic_schedule?: { interval_second: string } }
  error?: { message: string }
}

/** A pipeline's own parameter. */
export interface Parameter { parameterType: string; defaultValue?: unknown; description?: string; isOptional?: boolean; literals?: unknown[] }
interface Spec { root?: { inputDefinitions?: { parameters?: Record<string, Parameter> } }; pipelineInfo?: { name?: string } }
/** A spec, or a spec with its platform's beside it. */
export type Package = Spec & { pipeline_spec?: Spec }

const specOf = (given: Package): Spec => given.pipeline_spec ?? given
export const parametersOf = (given?: Package) => (given ? specOf(given).root?.inputDefinitions?.parameters : undefined) ?? {}
export const nameOf = (given?: Package) => (given ? specOf(given).pipelineInfo?.name : undefined) ?? ''

const version = (pipeline: string) => `/apis/v2beta1/pipelines/${encodeURIComponent(pipeline)}/versions`
export const getVersion = (pipeline: string, id: string) => ask<Version>(`${version(pipeline)}/${encodeURIComponent(id)}`)
export const listVersions = (pipeline: string, token = '') =>
  ask<{ pipeline_versions?: Version[]; next_page_token?: string }>(`${version(pipeline)}?page_size=100&sort_by=created_at%20desc&page_token=${encodeURIComponent(token)}`)

/** The package that a run or a schedule is made of; null when its pipeline has no version. */
export async function packageOf(source: Source): Promise<Package | null> {
  if (source.pipeline_spec) return source.pipeline_spec
  const { pipeline_id = '', pipeline_version_id = '' } = source.pipeline_version_reference ?? {}
  if (pipeline_version_id) return (await getVersion(pipeline_id, pipeline_version_id)).pipeline_spec
  const newest = (await listVersions(pipeline_id)).pipeline_versions?.[0]
  return newest?.pipeline_spec ?? null
}
