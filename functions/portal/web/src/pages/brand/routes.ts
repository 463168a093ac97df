import type { PageRoute } from '~/shell/pages'

export const routes: PageRoute[] = []
