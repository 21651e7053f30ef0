import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { useConnected } from './changes'
import './style.css'
import { PAGES, pageOf } from './pages'
import { useRoute } from './route'

type Theme = 'light' | 'dark'
const preferred = (): Theme => (localStorage.theme as Theme | undefined) ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')

function App() {
  const route = useRoute()
  const connected = useConnected()
  const [theme, setTheme] = useState<Theme>(preferred)
  document.documentElement.dataset.theme = theme
  useEffect(() => { localStorage.theme = theme }, [theme])
  const { Body, section } = pageOf(route)
  return (
    <div class="app">
      <a class="skip" href="#main" onClick={event => { event.preventDefault(); document.getElementById('main')?.focus() }}>Skip to content</a>
      <nav class="side" aria-label="Main">
        <strong>Flowmaker</strong>
        {PAGES.map(({ name, path }) => <a key={path} href={`#/${path}`} aria-current={section === path ? 'page' : undefined}>{name}</a>)}
        <span class={`link${connected ? '' : ' lost'}`} role="status">{connected ? '● live' : '○ connecting…'}</span>
        <button class="theme" onClick={() => setTheme(theme === 'dark' ? 'light' : 'dark')}>{theme === 'dark' ? '☀ light' : '☾ dark'}</button>
      </nav>
      <main id="main" tabIndex={-1}><Body route={route} /></main>
    </div>
  )
}

render(<App />, document.getElementById('root')!)
