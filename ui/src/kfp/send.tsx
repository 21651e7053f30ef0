/** Sends a form: what is wrong is told beside its button. */
import { useState } from 'preact/hooks'
import { ApiError } from '../api'
import { Problem } from '../parts/page'

/** `refused` shows what went wrong; `send` tells it, also of what never was sent. */
export function useSend() {
  const [error, set] = useState<ApiError | null>(null)
  const [busy, setBusy] = useState(false)
  const send = async (action: () => Promise<unknown>) => {
    setBusy(true)
    set(null)
    try {
      await action()
    } catch (problem) {
      set(problem instanceof ApiError ? problem : new ApiError(0, '', problem instanceof Error ? problem.message : String(problem)))
    }
    setBusy(false)
  }
  return { send, busy, refused: <Problem error={error} /> }
}
