/** What the server is asked: KFP's API as it is, AWS's operations as JSON, and drawings of graphs. */
import { useEffect, useRef, useState } from 'preact/hooks'

export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message)
  }
}

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) return (await response.json()) as T
  let code = String(response.status)
  let message = response.statusText
  try {
    const said = (await response.json()) as { code?: unknown; message?: string; error_message?: string }
    code = String(said.code ?? code)
    message = said.message ?? said.error_message ?? message
  } catch {
    // It was no JSON: the status has to say it.
  }
  throw new ApiError(response.status, code, message)
}

/** GET, or POST when there is a body. `path` is absolute, e.g. `/apis/v2beta1/runs`. */
export async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  return answer<T>(await fetch(path, init))
}

export const post = <T>(path: string, body?: unknown) =>
  ask<T>(path, { method: 'POST', body: body === undefined ? undefined : JSON.stringify(body), headers: body === undefined ? {} : { 'Content-Type': 'application/json' } })

export const remove = (path: string) => ask<unknown>(path, { method: 'DELETE' })

/** An operation of AWS with the parameters that boto3's method takes. Times come as ISO 8601. */
export const aws = <T>(service: string, operation: string, parameters: object = {}) =>
  post<T>(`/ui/aws/${service}/${operation}`, parameters)

export const objectUrl = (uri: string, more = '') => `/ui/objects?uri=${encodeURIComponent(uri)}${more}`

export interface Loaded<T> {
  value: T | null
  error: ApiError | null
  /** Whether a first answer is still waited for. */
  waiting: boolean
  again: () => void
}

/** What `load` answers; read anew when `inputs` or `tick` change. An older answer stays on screen
 * until the newer is there, and never comes after it; of several ticks meanwhile one counts. */
export function useLoaded<T>(load: () => Promise<T>, inputs: unknown[], tick: number = 0): Loaded<T> {
  const [state, set] = useState<{ value: T | null; error: ApiError | null; of: string }>({ value: null, error: null, of: '' })
  const [turn, again] = useState(0)
  const key = JSON.stringify(inputs)
  const latest = useRef(key)
  latest.current = key
  const busy = useRef<string | null>(null)
  const missed = useRef(false)
  useEffect(() => {
    if (busy.current === key) {
      missed.current = true
      return
    }
    busy.current = key
    const begin = performance.now()
    // What takes long to answer is given as long to rest: a large run changes all the time.
    const finish = () => setTimeout(() => {
      if (busy.current === key) busy.current = null
      if (missed.current) {
        missed.current = false
        again(n => n + 1)
      }
    }, performance.now() - begin)
    load().then(
      value => { finish(); if (latest.current === key) set({ value, error: null, of: key }) },
      (problem: unknown) => {
        finish()
        const error = problem instanceof ApiError ? problem : new ApiError(0, 'Unreachable', String(problem))
        if (latest.current === key) set(old => ({ value: old.of === key ? old.value : null, error, of: key }))
      },
    )
  }, [key, tick, turn])
  const current = state.of === key
  return { value: current ? state.value : null, error: current ? state.error : null, waiting: !current, again: () => again(n => n + 1) }
}
