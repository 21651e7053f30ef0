/** Something to take along: a command, an address, lines of Python. */
import { useEffect, useState } from 'preact/hooks'

export function Copy({ text, label = 'copy' }: { text: string; label?: string }) {
  const [said, say] = useState('')
  useEffect(() => {
    const timer = setTimeout(() => say(''), 1500)
    return () => clearTimeout(timer)
  }, [said])
  return (
    <button class="copy" onClick={() => void navigator.clipboard.writeText(text).then(() => say('copied'), () => say('not allowed here'))}>
      <span aria-live="polite">{said || label}</span>
    </button>
  )
}

/** Lines of a terminal or a program, with a button that copies them. */
export const Snippet = ({ title, text }: { title: string; text: string }) => (
  <div class="snippet">
    <div class="snippethead"><span class="dim">{title}</span><Copy text={text} label={`copy ${title}`} /></div>
    <pre class="json" tabIndex={0} aria-label={title}>{text}</pre>
  </div>
)
