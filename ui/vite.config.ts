import { defineConfig } from 'vite'

// Built by hatch_build.py into the Python package, which the server serves it from.
export default defineConfig({
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: process.env.FLOWMAKER_UI_BUNDLE ?? '../src/flowmaker/web/static',
    emptyOutDir: true,
    modulePreload: { polyfill: false },
    // A style in a file of its own for each page that is loaded later would be one request more.
    cssCodeSplit: false,
  },
})
