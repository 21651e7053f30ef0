/** Markdown as a page of its own, by marked: in a chunk that is loaded with the first one. */
import { Marked } from 'marked'

const escaped = (text: string) => text.replace(/[&<>"]/g, letter => `&#${letter.charCodeAt(0)};`)

const markdown = new Marked({
  renderer: {
    // HTML in it is shown as it is written; an image of elsewhere would be fetched from there.
    html: ({ text }) => escaped(text),
    image: ({ href, text }) => (href.startsWith('data:image/') ? `<img src="${escaped(href)}" alt="${escaped(text)}">` : `<code>${escaped(text)} ${escaped(href)}</code>`),
  },
})

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

/** For a frame without rights: what is in it runs no script and reaches nothing. */
export function pageOf(text: string): string {
  const style = `body{margin:10px;font:13px/1.5 system-ui,sans-serif;color:${css('--ink')};background:${css('--card')}}
    a{color:${css('--accent')}} table{border-collapse:collapse} :is(th,td){padding:3px 8px;border:1px solid ${css('--line')}}
    pre{padding:8px;overflow:auto;background:${css('--bg')}} img{max-width:100%} h1{font-size:18px} h2{font-size:16px} h3{font-size:14px}`
  return `<!doctype html><meta charset="utf-8"><style>${style}</style>${markdown.parse(text, { async: false })}`
}
