/** A state is a glyph, a word and a colour: never a colour alone. */
export type State = 'pending' | 'running' | 'succeeded' | 'cached' | 'failed' | 'skipped' | 'cancelled'

export const GLYPHS: Record<State, string> = {
  pending: '○', running: '◐', succeeded: '✓', cached: '↺', failed: '✕', skipped: '–', cancelled: '⊘',
}

/** What KFP and SageMaker call them. */
const WORDS: Record<string, State> = {
  PENDING: 'pending', RUNNING: 'running', SUCCEEDED: 'succeeded', SKIPPED: 'skipped', FAILED: 'failed',
  CANCELING: 'cancelled', CANCELED: 'cancelled', PAUSED: 'pending',
  InProgress: 'running', Completed: 'succeeded', Failed: 'failed', Stopping: 'cancelled', Stopped: 'cancelled',
  InService: 'succeeded', Creating: 'running', Updating: 'running', SystemUpdating: 'running',
  RollingBack: 'running', Deleting: 'cancelled', OutOfService: 'failed', UpdateRollbackFailed: 'failed',
}
export const stateOf = (said?: string): State => WORDS[said ?? ''] ?? 'pending'

export const Glyph = ({ state }: { state: State }) => (
  <span class={`glyph s-${state}`} aria-hidden="true">{GLYPHS[state]}</span>
)

/** `word` when the protocol's own word says more, e.g. `InService`. */
export const Badge = ({ state, word }: { state: State; word?: string }) => (
  <span class={`badge s-${state}`}><span aria-hidden="true">{GLYPHS[state]}</span> {word ?? state}</span>
)

/** `97 ✓ 2 ✕ 1 ◐`: what is in a folded group. */
export function Counts({ counts }: { counts: Partial<Record<State, number>> }) {
  const order: State[] = ['succeeded', 'cached', 'failed', 'running', 'cancelled', 'pending', 'skipped']
  const shown = order.filter(state => counts[state])
  return (
    <span class="counts">
      {shown.map(state => (
        <span key={state} class={`s-${state}`} title={state}>
          {counts[state]} <span aria-hidden="true">{GLYPHS[state]}</span><span class="unseen"> {state}</span>
        </span>
      ))}
    </span>
  )
}
