import { readFileSync } from 'node:fs'
import { fileURLToPath, URL } from 'node:url'
import tailwind from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const EARLY = 'src/shell/theme-early.js'

/** Puts the one script that runs before the first paint into the head: a file of its own, since the policy allows no script in the page. */
function earlyTheme(): Plugin {
  let reference = ''
  let building = false
  return {
    name: 'early-theme',
    configResolved(config) {
      building = config.command === 'build'
    },
    buildStart() {
      if (!building) return
      reference = this.emitFile({ type: 'asset', name: 'theme.js', source: readFileSync(new URL(EARLY, import.meta.url)) })
    },
    transformIndexHtml: {
      order: 'post',
      handler(_html, context) {
        const built = Object.values(context.bundle ?? {}).find((file) => file.type === 'asset' && file.names.includes('theme.js'))
        const src = built ? `/${built.fileName}` : `/${EARLY}`
        return [{ tag: 'script', attrs: { src }, injectTo: 'head-prepend' }]
      },
    },
    generateBundle() {
      this.getFileName(reference)
    },
  }
}

const api = process.env.TRIBUTARY_API ?? 'http://127.0.0.1:8787'

export default defineConfig({
  plugins: [react(), tailwind(), earlyTheme()],
  resolve: { alias: { '~': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: { target: 'es2022', manifest: true, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: {
    proxy: {
      '^/(reseller|docs|health|unsubscribe)(/|$)': api,
      '^/portal/(session|sessions|sign-in|brand|logo)(/|\\?|$)': { target: api, bypass: (request) => (request.headers.accept?.includes('text/html') ? '/index.html' : undefined) },
    },
  },
})
