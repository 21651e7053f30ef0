/** A button of what cannot be undone: it asks first, in place. */
import { useState } from 'preact/hooks'

export function Confirm({ label, question, onYes }: { label: string; question: string; onYes: () => void }) {
  const [asking, ask] = useState(false)
  if (!asking) return <button class="danger" onClick={() => ask(true)}>{label}</button>
  return (
    <span class="confirm" role="alertdialog" aria-label={question} onKeyDown={event => event.key === 'Escape' && ask(false)}>
      {question} <button class="danger" ref={button => button?.focus()} onClick={() => { ask(false); onYes() }}>{label}</button>
      <button onClick={() => ask(false)}>Keep</button>
    </span>
  )
}
