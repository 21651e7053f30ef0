/** What the server draws of a run or of a pipeline: `src/flowmaker/web/graph.py`. */
import type { State } from '../parts/state'

export interface Box {
  /** The task's key in its DAG. */
  id: string
  label: string
  kind: 'component' | 'loop' | 'condition' | 'pipeline' | 'importer' | 'exit'
  condition?: string
  /** It holds tasks itself. */
  opens: boolean
  state: State
  /** Empty while there is no such task of the run. */
  task_id: string
  started_at?: string | null
  ended_at?: string | null
  counts?: Partial<Record<State, number>>
  x?: number
  y?: number
}

export interface Edge { source: string; target: string; points: [number, number][] }

export interface RunBrief {
  run_id: string
  display_name: string
  experiment_id: string
  pipeline_name: string
  pipeline_version_reference?: { pipeline_id: string; pipeline_version_id: string }
  recurring_run_id?: string
  runtime_config?: { parameters?: Record<string, unknown>; pipeline_root?: string }
  state: string
  created_at: string
  finished_at?: string
  error?: { message: string }
  storage_state: string
}

export interface Level {
  scope: string
  crumbs: { task_id: string; label: string }[]
  nodes?: Box[]
  edges?: Edge[]
  width?: number
  height?: number
  iterations?: Box[]
  iteration_count?: number
}

export interface RunLevel extends Level {
  run: RunBrief
  revision: number
  counts: Partial<Record<State, number>>
  failures: { task_id: string; scope: string; label: string }[]
}

/** Of a box, in pixels: as in `src/flowmaker/web/layout.py`. */
export const WIDTH = 190
export const HEIGHT = 46

export const KINDS: Record<Box['kind'], string> = {
  component: 'task', loop: 'loop', condition: 'condition', pipeline: 'pipeline', importer: 'importer', exit: 'exit handler',
}

/** How a box is told from others of the level: by its task when there is one. */
export const keyOf = (box: Box) => box.task_id || box.id
