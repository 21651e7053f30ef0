/** Which page an address means. */
import type { ComponentType } from 'preact'
import { Page } from '../parts/page'
import type { Route } from '../route'
import { ArtifactsPage } from './artifacts'
import { BucketsPage } from './buckets'
import { ClusterPage } from './cluster'
import { ComparePage } from './compare'
import { EndpointsPage } from './endpoints'
import { ExperimentsPage } from './experiments'
import { HomePage } from './home'
import { JobsPage } from './jobs'
import { ModelsPage } from './models'
import { NewRunPage } from './newrun'
import { PermissionsPage } from './permissions'
import { PipelinesPage } from './pipelines'
import { RunPage } from './run'
import { RunsPage } from './runs'
import { SchedulesPage } from './schedules'
import { TuningPage } from './tuning'

export interface PageProps { route: Route }

/** The navigation: names, and the first part of their addresses. */
export const PAGES = [
  { name: 'Home', path: 'home' },
  { name: 'Runs', path: 'runs' },
  { name: 'Pipelines', path: 'pipelines' },
  { name: 'Schedules', path: 'recurringruns' },
  { name: 'Jobs', path: 'jobs' },
  { name: 'Tuning', path: 'tuning' },
  { name: 'Endpoints', path: 'endpoints' },
  { name: 'Models', path: 'models' },
  { name: 'Artifacts', path: 'artifacts' },
  { name: 'Buckets', path: 'buckets' },
  { name: 'Permissions', path: 'permissions' },
  { name: 'Cluster', path: 'cluster' },
]

/** Addresses by their beginning, the longest first. KFP's own are among them. */
const BODIES: [string, string, ComponentType<PageProps>][] = [
  ['home', 'home', HomePage],
  ['runs/details', 'runs', RunPage],
  ['runs/new', 'runs', NewRunPage],
  ['runs', 'runs', RunsPage],
  ['experiments', 'runs', ExperimentsPage],
  ['compare', 'runs', ComparePage],
  ['pipelines', 'pipelines', PipelinesPage],
  ['recurringruns', 'recurringruns', SchedulesPage],
  ['recurringrun', 'recurringruns', SchedulesPage],
  ['models', 'models', ModelsPage],
  ['endpoints', 'endpoints', EndpointsPage],
  ['buckets', 'buckets', BucketsPage],
  ['artifacts', 'artifacts', ArtifactsPage],
  ['permissions', 'permissions', PermissionsPage],
  ['cluster', 'cluster', ClusterPage],
  ['jobs', 'jobs', JobsPage],
  ['tuning', 'tuning', TuningPage],
]

const Missing = ({ route }: PageProps) => <Page title="Not found"><p class="pad">There is no page at <code>{route.path}</code>.</p></Page>

export function pageOf(route: Route): { Body: ComponentType<PageProps>; section: string } {
  const path = route.parts.join('/') || 'home'
  const found = BODIES.find(([begin]) => path === begin || path.startsWith(`${begin}/`))
  return found ? { section: found[1], Body: found[2] } : { section: route.parts[0] ?? 'home', Body: Missing }
}
