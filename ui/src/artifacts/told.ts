/** What the server tells of an artifact: `src/flowmaker/web/lineage.py`. */
export interface By {
  run_id: string
  run_name: string
  task_id: string
  task_name: string
  /** What the task calls it. */
  as: string
  cached_from: { run_id: string; task_id: string } | null
}

export interface Told {
  uri: string
  name: string
  type: string
  at: string
  made_by: By[]
  made_by_count: number
  read_by: By[]
  read_by_count: number
}

export const kindOf = (told: Told) => told.type.replace('system.', '')
