import { useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { type ReactNode, useCallback, useEffect, useState } from 'react'
import { api } from '~/api/client'
import type { ChooseAccount, Session } from '~/api/contract'
import type { ApiError } from '~/api/problem'
import { safeNext } from '~/lib/links'
import { begin, useSessionQuery } from '~/session/session'
import { dropToken, heldToken, takeToken } from '~/session/token'
import { logoOf, useBrand } from '~/shell/brand'
import { Missing } from '~/shell/missing'
import { Button } from '~/ui/button'
import { Form, Problem, TextField, useSubmit } from '~/ui/form'
import { Icon } from '~/ui/icon'
import { Notice } from '~/ui/state'

type Body = { token: string; account_id?: string } | { api_key: string }

async function exchange(body: Body) {
  return (await api.post('/portal/session', { body })).data as Session | ChooseAccount
}

function Frame({ slug, children }: { slug: string | null; children: ReactNode }) {
  const { brand, unknown } = useBrand(slug)
  useEffect(() => {
    document.title = brand ? `Sign in · ${brand.name}` : 'Sign in'
  }, [brand])
  if (unknown) return <Missing />
  const logo = logoOf(brand)
  return (
    <main id="main" className="mx-auto flex min-h-dvh max-w-sm flex-col justify-center px-4 py-12">
      <div className="mb-6 flex h-9 items-center justify-center gap-2.5">
        {logo && <img src={logo} alt="" className="max-h-9 max-w-36 object-contain" />}
        <span className="text-lg font-semibold">{brand?.name ?? ''}</span>
      </div>
      <div className="card rounded-xl border border-line bg-paper p-6 shadow-low">{children}</div>
    </main>
  )
}

/** Signing in: by a link in a mail, or with an API key. */
export default function SignIn() {
  const { slug = null } = useParams({ strict: false }) as { slug?: string }
  const base = slug ? `/portal/${slug}` : '/app'
  const { next } = useSearch({ strict: false }) as { next?: string }
  const navigate = useNavigate()
  const [token, setToken] = useState(heldToken)
  const [choose, setChoose] = useState<ChooseAccount['choose'] | null>(null)
  const [way, setWay] = useState<'mail' | 'key'>('mail')

  const arrive = useCallback(
    (answer: Session | ChooseAccount) => {
      if ('choose' in answer) {
        setChoose(answer.choose)
        return
      }
      dropToken()
      begin(answer)
      const [to, search] = safeNext(next, base).split('?') as [string, string?]
      void navigate({ to: to as never, search: Object.fromEntries(new URLSearchParams(search)) as never, replace: true })
    },
    [base, navigate, next],
  )
  const enter = useSubmit((given: string) => exchange({ token: given }), arrive)
  const { reset } = enter
  // A link that is opened in this very window changes the fragment alone, which loads nothing.
  useEffect(() => {
    const arrived = () => {
      takeToken()
      reset()
      setChoose(null)
      setToken(heldToken())
    }
    window.addEventListener('hashchange', arrived)
    return () => window.removeEventListener('hashchange', arrived)
  }, [reset])

  if (choose && token) return <Frame slug={slug}><Choose accounts={choose} token={token} onDone={arrive} /></Frame>
  const over = enter.error?.status === 401
  if (token && !over) return <Frame slug={slug}><ByLink busy={enter.busy} error={enter.error} onSignIn={() => void enter.submit(token)} onStay={() => void navigate({ to: base as never })} /></Frame>
  return (
    <Frame slug={slug}>
      {over && (
        <div className="mb-5">
          <Notice tone="warn" title="This link is no longer good">
            A link works once and for 15 minutes. Ask for a new one below.
          </Notice>
        </div>
      )}
      {way === 'mail' ? <ByMail slug={slug} /> : <ByKey onDone={arrive} />}
      <p className="mt-5 border-t border-line pt-4 text-center text-sm">
        <button type="button" className="text-accent-ink underline" onClick={() => setWay(way === 'mail' ? 'key' : 'mail')}>
          {way === 'mail' ? 'Sign in with an API key' : 'Sign in with a link by mail'}
        </button>
      </p>
    </Frame>
  )
}

/**
 * A link was opened. It is used when somebody says so: a scanner of mail that runs the page uses nothing up, and a link that a stranger sent
 * takes nobody's session away unseen.
 */
function ByLink({ busy, error, onSignIn, onStay }: { busy: boolean; error: ApiError | null; onSignIn: () => void; onStay: () => void }) {
  const { data: session } = useSessionQuery()
  return (
    <div className="space-y-4">
      <h1>Sign in</h1>
      {error && <Problem error={error} />}
      <p className="min-h-10 text-sm text-soft" aria-live="polite">
        {session ? (
          <>
            You are signed in as <strong className="text-ink">{session.who.email ?? session.who.name ?? session.who.id}</strong> at <strong className="text-ink">{session.account.name}</strong>. This link replaces that.
          </>
        ) : (
          'Your link was opened. It signs you in once, when you press the button.'
        )}
      </p>
      <Button look="primary" busy={busy} className="w-full" autoFocus onClick={onSignIn}>
        Sign in
      </Button>
      {session && (
        <Button look="quiet" disabled={busy} className="w-full" onClick={onStay}>
          Stay signed in as you are
        </Button>
      )}
    </div>
  )
}

function ByMail({ slug }: { slug: string | null }) {
  const [email, setEmail] = useState('')
  const [sentTo, setSentTo] = useState<string | null>(null)
  const ask = useSubmit(
    (input: { email: string }) => api.post('/portal/sign-in', { body: slug ? { ...input, slug } : input }),
    (_reply, input) => setSentTo(input.email),
  )
  if (sentTo) {
    return (
      <div role="status" className="space-y-3 text-center">
        <span className="mx-auto grid size-10 place-items-center rounded-full bg-good-wash text-good">
          <Icon name="check" size={20} />
        </span>
        <h1>Look at your mail</h1>
        <p className="text-sm text-soft">
          If <strong className="text-ink">{sentTo}</strong> belongs to a member, a link is on its way. It works once and for 15 minutes.
        </p>
        <Button onClick={() => setSentTo(null)}>Use another address</Button>
      </div>
    )
  }
  return (
    <Form onSubmit={() => void ask.submit({ email: email.trim() })} error={ask.error}>
      <h1>Sign in</h1>
      <TextField label="E-mail address" type="email" pointer="/email" autoComplete="email" value={email} onChange={setEmail} required autoFocus />
      <Button type="submit" look="primary" busy={ask.busy} className="w-full">
        Send me a link
      </Button>
    </Form>
  )
}

function ByKey({ onDone }: { onDone: (answer: Session | ChooseAccount) => void }) {
  const [key, setKey] = useState('')
  const enter = useSubmit((input: { api_key: string }) => exchange(input), onDone)
  const wrong = enter.error?.status === 401 ? 'This key is not known, or it was revoked' : null
  return (
    <Form onSubmit={() => void enter.submit({ api_key: key.trim() })} error={wrong ? null : enter.error}>
      <h1>Sign in with an API key</h1>
      <TextField
        label="API key"
        type="password"
        pointer="/api_key"
        wrong={wrong}
        hint="Begins with rk_. It is exchanged for a session and not kept in this browser."
        autoComplete="off"
        spellCheck={false}
        value={key}
        onChange={setKey}
        required
        autoFocus
      />
      <Button type="submit" look="primary" busy={enter.busy} className="w-full">
        Sign in
      </Button>
    </Form>
  )
}

function Choose({ accounts, token, onDone }: { accounts: ChooseAccount['choose']; token: string; onDone: (answer: Session | ChooseAccount) => void }) {
  const enter = useSubmit((account_id: string) => exchange({ token, account_id }), onDone)
  return (
    <div className="space-y-4">
      <h1>Choose an account</h1>
      <p className="text-sm text-soft">Your address is a member of several.</p>
      {enter.error && <Problem error={enter.error} />}
      <ul className="divide-y divide-line rounded-lg border border-line">
        {accounts.map((account) => (
          <li key={account.account_id}>
            <button type="button" disabled={enter.busy} className="flex w-full items-center justify-between gap-3 px-3.5 py-3 text-left text-sm hover:bg-surface" onClick={() => void enter.submit(account.account_id)}>
              <span className="truncate">{account.name}</span>
              <Icon name="right" className="text-soft" />
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
