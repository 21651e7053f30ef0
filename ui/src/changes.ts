/** The one WebSocket of a page: it hears that something changed (docs/ui.md has its words). */
import { useEffect, useReducer, useState } from 'preact/hooks'

interface LogRequest { run: string; task: string; from: number }
export interface LogWord { log: string; at: number; text?: string; over?: boolean; error?: string }
type Word = { tick: number } | { run: string; revision: number | null } | LogWord

const listeners = new Set<(word: Word) => void>()
const wanted: { run: string; log: LogRequest | null } = { run: '', log: null }
let socket: WebSocket | null = null
let connected = false
let pause = 250
const watchers = new Set<() => void>()

function send(said: object) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(said))
}

function connect() {
  socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ui/changes`)
  socket.onopen = () => {
    pause = 250
    connected = true
    watchers.forEach(tell => tell())
    // What was missed meanwhile is read anew: the first tick comes at once.
    send({ run: wanted.run, log: wanted.log })
  }
  socket.onmessage = event => {
    const word = JSON.parse(event.data as string) as Word
    if ('log' in word && wanted.log?.task === word.log && word.text !== undefined)
      wanted.log.from = word.at + new TextEncoder().encode(word.text).length
    listeners.forEach(listener => listener(word))
  }
  socket.onclose = () => {
    connected = false
    watchers.forEach(tell => tell())
    setTimeout(connect, pause)
    pause = Math.min(pause * 2, 4000)
  }
}
connect()

function useWords(listener: (word: Word) => void, inputs: unknown[]) {
  useEffect(() => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }, inputs)
}

/** Whether the server can be heard. */
export function useConnected(): boolean {
  const [, again] = useReducer((n: number) => n + 1, 0)
  useEffect(() => {
    watchers.add(again as () => void)
    return () => void watchers.delete(again as () => void)
  }, [])
  return connected
}

/** A number that grows when something may have changed, at most once in `pause` ms. */
export function useTick(pause = 500): number {
  const [tick, set] = useState(0)
  useEffect(() => {
    let waiting: ReturnType<typeof setTimeout> | undefined
    let last = 0
    const listener = (word: Word) => {
      if (!('tick' in word) || waiting) return
      waiting = setTimeout(() => {
        waiting = undefined
        last = performance.now()
        set(n => n + 1)
      }, Math.max(0, last + pause - performance.now()))
    }
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      clearTimeout(waiting)
    }
  }, [pause])
  return tick
}

/** The revision of a run, as soon as it has another. */
export function useRevision(run: string): number {
  const [revision, set] = useState(-1)
  useEffect(() => {
    wanted.run = run
    send({ run })
    return () => {
      if (wanted.run === run) wanted.run = ''
    }
  }, [run])
  useWords(word => {
    if ('revision' in word && word.run === run) set(word.revision ?? -2)
  }, [run])
  return revision
}

/** Calls `listener` with each piece of a task's log, now and as it grows. */
export function useLog(run: string, task: string, listener: (word: LogWord) => void) {
  useEffect(() => {
    wanted.log = task ? { run, task, from: 0 } : null
    send({ log: wanted.log })
    return () => {
      wanted.log = null
      send({ log: null })
    }
  }, [run, task])
  useWords(word => {
    if ('log' in word && word.log === task) listener(word)
  }, [run, task])
}
