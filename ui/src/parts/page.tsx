/** The frame of a page, and what stands in for what is not there yet. */
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import type { ApiError } from '../api'

interface Frame {
  title: string
  /** Beside the title: a badge, a count. */
  beside?: ComponentChildren
  /** Above the title: links to where it belongs. */
  above?: ComponentChildren
  actions?: ComponentChildren
  children: ComponentChildren
}

export function Page({ title, beside, above, actions, children }: Frame) {
  useEffect(() => { document.title = `${title} · Flowmaker` }, [title])
  return (
    <div class="page">
      <header class="head">
        <div class="title">
          {above && <div class="crumbs">{above}</div>}
          <h1>{title} {beside}</h1>
        </div>
        <div class="acts">{actions}</div>
      </header>
      <div class="body">{children}</div>
    </div>
  )
}

/** An error as its sender worded it; who has not signed in is told how. */
export function Problem({ error }: { error: ApiError | null }) {
  if (!error) return null
  if (error.code === 'SignInFirst')
    return (
      <div class="notice" role="note">
        <strong>Sign in to see what is in AWS.</strong> Run <code>flowmaker open</code> in a terminal: it
        opens this interface with your key. KFP's pages work without.
      </div>
    )
  return <div class="notice bad" role="alert"><strong>{error.code}</strong> {error.message}</div>
}

export const Waiting = ({ what }: { what: string }) => <p class="dim pad" role="status">Loading {what}…</p>

/** Nothing there: what it would be, and how to make one. */
export const Empty = ({ children }: { children: ComponentChildren }) => <div class="empty">{children}</div>

/** Names and values, each name above its value; `listed`: a line for each. What has no value is left out. */
export function Facts({ rows, listed = false }: { rows: [string, ComponentChildren][]; listed?: boolean }) {
  return (
    <dl class={listed ? 'values' : 'facts'}>
      {rows.filter(([, value]) => value !== undefined && value !== null && value !== '' && value !== false).map(([name, value]) => (
        <div key={name}><dt>{name}</dt><dd>{value}</dd></div>
      ))}
    </dl>
  )
}
