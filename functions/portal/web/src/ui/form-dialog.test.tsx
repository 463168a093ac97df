import { QueryClientProvider } from '@tanstack/react-query'
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from '@tanstack/react-router'
import { act, type ReactNode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Session } from '~/api/contract'
import { queries } from '~/api/query'
import { DeniesDialog } from '~/pages/settings/denies'
import { Keys } from '~/pages/settings/keys'
import { Members } from '~/pages/settings/members'
import Roles from '~/pages/settings/roles'
import TestClocks from '~/pages/settings/test-clocks'
import { Export } from '~/pages/usage/export'
import { ViewerProvider } from '~/session/session'

const ACCOUNT = 'acc_00000000000000000000000001'
const BELOW = 'acc_00000000000000000000000002'
const SESSION = {
  id: 'ses_1',
  mode: 'test',
  account: { id: ACCOUNT, name: 'Hub', kind: 'operator', currency: 'USD', parent_id: null },
  who: { kind: 'member', id: 'mem_0' },
  rights: ['members.read', 'members.manage', 'roles.read', 'roles.manage', 'keys.read', 'keys.manage', 'accounts.read', 'audit.read'],
} as unknown as Session
const CLOCK = { id: 'clk_1', account_id: BELOW, name: 'Months', now: '2031-01-01T00:00:00.000Z', state: 'ready', target: null }

let root: Root
let refuse: () => void
let sent: number
const closed = vi.fn()

/** Reads are answered, of the clocks with one; whatever else is sent waits until it is refused. */
function answer(url: string, { method }: RequestInit): Promise<Response> {
  if (method === 'GET') return Promise.resolve(Response.json({ data: url.startsWith('/reseller/test-clocks') ? [CLOCK] : [], next_cursor: null }))
  sent += 1
  return new Promise((resolve) => {
    refuse = () => resolve(Response.json({ code: 'conflict', title: 'Not now', detail: 'Somebody else was first.' }, { status: 409 }))
  })
}

async function show(page: ReactNode, slug: string | null = null) {
  const router = createRouter({
    history: createMemoryHistory(),
    routeTree: createRootRoute({
      component: () => (
        <QueryClientProvider client={queries}>
          <ViewerProvider session={SESSION} base="/app" slug={slug}>
            {page}
          </ViewerProvider>
        </QueryClientProvider>
      ),
    }),
  })
  await act(async () => root.render(<RouterProvider router={router} />))
  await act(async () => void (await vi.waitFor(() => expect(document.body.textContent).not.toBe(''))))
}

const dialog = () => document.querySelector<HTMLDialogElement>('dialog[open]')
const button = (name: string, at: ParentNode = document) => [...at.querySelectorAll('button')].find((one) => one.textContent === name || one.title === name) as HTMLButtonElement
const press = (name: string, at?: ParentNode) => act(async () => button(name, at).click())

function write(label: string, text: string) {
  const named = [...(dialog() as Element).querySelectorAll('label')].find((one) => one.textContent?.startsWith(label))
  const field = document.getElementById(named?.htmlFor ?? '') as HTMLInputElement
  return act(async () => {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(field, text)
    field.dispatchEvent(new Event('input', { bubbles: true }))
    if (field.role === 'combobox') field.dispatchEvent(new FocusEvent('focusout', { bubbles: true }))
  })
}

/** Every way out of a dialog, as a browser goes it. */
async function tryToLeave() {
  const shown = dialog() as HTMLDialogElement
  await act(async () => {
    if (shown.dispatchEvent(new Event('cancel', { cancelable: true }))) shown.close()
  })
  await act(async () => {
    shown.dispatchEvent(new Event('pointerdown', { bubbles: true }))
    shown.dispatchEvent(new Event('click', { bubbles: true }))
  })
  for (const way of [...shown.querySelectorAll('button')].filter((one) => one.title === 'Close' || /^(Cancel|Close)$/.test(one.textContent))) await act(async () => way.click())
}

beforeEach(() => {
  ;(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true
  vi.stubGlobal('fetch', answer)
  sent = 0
  closed.mockClear()
  root = createRoot(document.body.appendChild(document.createElement('div')))
})
afterEach(async () => {
  await act(async () => root.unmount())
  document.body.replaceChildren()
  queries.clear()
  vi.unstubAllGlobals()
})

const DENIES = { kind: 'members' as const, at: ACCOUNT, id: 'mem_1', name: 'Ann', denies: [{ account_id: ACCOUNT, rights: ['audit.read'], created_at: '2031-01-01T00:00:00.000Z' }] } as never

test.each<[string, () => Promise<unknown>]>([
  ['the invitation of a member', async () => {
    await show(<Members accountId={ACCOUNT} />)
    await press('Invite')
    await write('E-mail', 'ann@example.com')
    await press('Invite', dialog() as Element)
  }],
  ['a new key', async () => {
    await show(<Keys accountId={ACCOUNT} />)
    await press('New key')
    await write('Name', 'website')
    await press('Make the key')
  }],
  ['a new role', async () => {
    await show(<Roles />)
    await press('New role')
    await write('Name', 'night-ops')
    await act(async () => dialog()?.querySelector<HTMLInputElement>('input[type=checkbox]:not([disabled])')?.click())
    await press('Make the role')
  }],
  ['a deny', async () => {
    await show(<DeniesDialog holder={DENIES} onClose={closed} />, 'hub')
    await press('Deny these rights')
  }],
  ['a deny that is lifted', async () => {
    await show(<DeniesDialog holder={DENIES} onClose={closed} />, 'hub')
    await press('Lift')
  }],
  ['a new test clock', async () => {
    await show(<TestClocks />)
    await press('New test clock')
    await write('Account', BELOW)
    await press('Put it on a clock')
  }],
  ['a test clock on its way', async () => {
    await show(<TestClocks />)
    await act(async () => void (await vi.waitFor(() => expect(button('Advance')).toBeDefined())))
    await press('Advance')
    await press('Advance', dialog() as Element)
  }],
  ['a file of usage', async () => {
    await show(<Export query={{ from: '2031-01-01T00:00:00Z', to: '2031-02-01T00:00:00Z' }} onClose={closed} />)
    await press('Make the file')
  }],
])('%s stays open until it is answered, and shows what was refused', async (_, begin) => {
  await begin()
  expect(sent).toBe(1)
  await tryToLeave()
  expect(dialog()).not.toBeNull()
  expect(closed).not.toHaveBeenCalled()
  await act(async () => refuse())
  expect(dialog()?.textContent).toContain('Somebody else was first.')
  await tryToLeave()
  expect(dialog() === null || closed.mock.calls.length > 0).toBe(true)
})
