import { useState } from 'react'
import type { Schema } from '~/api/client'
import { useApi } from '~/api/query'
import { words } from '~/lib/format'
import { Button } from '~/ui/button'
import { CheckField, TextField, useFieldError, useSubmit } from '~/ui/form'
import { FormDialog } from '~/ui/form-dialog'
import { SecretDialog } from '~/ui/secret'
import { Failed, Notice, Skeleton } from '~/ui/state'

/** Whether a filter takes a type: the type itself, its group, or all. */
export function hears(filters: string[], type: string): boolean {
  return filters.includes('*') || filters.includes(type) || filters.includes(`${type.split('.')[0]}.*`)
}

/** Chooses event types: all, whole groups, or single ones. */
export function EventPicker({ value, onChange }: { value: string[]; onChange: (filters: string[]) => void }) {
  const types = useApi('/reseller/webhooks/event-types', {}, { staleMs: 10 * 60_000 })
  const said = useFieldError('/events')
  const [sought, setSought] = useState('')
  const all = value.includes('*')
  const groups = new Map<string, Schema<'EventType'>[]>()
  for (const type of types.data?.data ?? []) {
    const group = type.type.split('.')[0] as string
    if (sought && !`${type.type} ${type.description}`.toLowerCase().includes(sought.toLowerCase())) continue
    groups.set(group, [...(groups.get(group) ?? []), type])
  }
  const toggle = (name: string, on: boolean, replaces: string[] = []) => onChange(on ? [...value.filter((other) => !replaces.includes(other)), name] : value.filter((other) => other !== name))
  return (
    <fieldset className="space-y-2">
      <legend className="mb-1 text-sm font-medium">Which events</legend>
      {said && <p className="text-xs text-bad">{said}</p>}
      <CheckField label="All, also those that come later" value={all} onChange={(on) => onChange(on ? ['*'] : [])} />
      {!all &&
        (types.error && !types.data ? (
          <Failed error={types.error} retry={() => void types.refetch()} what="The event types" />
        ) : !types.data ? (
          <Skeleton className="h-40 w-full" />
        ) : (
          <>
            <input className="field" type="search" aria-label="Search event types" placeholder="Search" value={sought} onChange={(event) => setSought(event.target.value)} />
            <div className="max-h-72 space-y-3 overflow-y-auto rounded-lg border border-line p-3" role="region" aria-label="Event types" tabIndex={0}>
              {groups.size === 0 && <p className="text-sm text-soft">No type has these words.</p>}
              {[...groups].map(([group, list]) => {
                const whole = value.includes(`${group}.*`)
                return (
                  <div key={group} className="space-y-1.5">
                    <CheckField label={<span className="font-medium">{words(group)}: all</span>} value={whole} onChange={(on) => toggle(`${group}.*`, on, list.map((type) => type.type))} />
                    <div className="space-y-1.5 pl-6">
                      {list.map((type) => (
                        <CheckField
                          key={type.type}
                          label={<code className="font-mono text-xs">{type.type}</code>}
                          hint={type.description}
                          value={whole || value.includes(type.type)}
                          disabled={whole}
                          onChange={(on) => toggle(type.type, on)}
                        />
                      ))}
                    </div>
                  </div>
                )
              })}
            </div>
            <p className="text-xs text-soft">{value.length === 0 ? 'Choose at least one.' : `Chosen: ${value.join(', ')}`}</p>
          </>
        ))}
    </fieldset>
  )
}

export interface EndpointText {
  url: string
  events: string[]
  subtree: boolean
  description: string
}

/** Makes or changes an endpoint. */
export function EndpointDialog<Result>({ open, onClose, title, action, begin, send, done, stale }: { open: boolean; onClose: () => void; title: string; action: string; begin: EndpointText; send: (body: Schema<'UpdateWebhook'>, key: string) => Promise<Result>; done: (result: Result) => void; stale?: () => void }) {
  const [text, setText] = useState(begin)
  const [wrong, setWrong] = useState<string | null>(null)
  const { submit, busy, error } = useSubmit(send, (result) => {
    onClose()
    done(result)
  })
  const save = () => {
    setWrong(text.events.length === 0 ? 'Choose at least one event.' : null)
    if (text.events.length > 0) void submit({ url: text.url.trim(), events: text.events, subtree: text.subtree, description: text.description.trim() || undefined })
  }
  return (
    <FormDialog
      open={open}
      onClose={onClose}
      title={title}
      wide
      action={action}
      busy={busy}
      error={error}
      onSubmit={save}
    >
      {error?.code === 'precondition_failed' && stale && (
        <Notice tone="warn" title="Somebody changed it meanwhile" action={<Button small onClick={() => { stale(); onClose() }}>Load theirs</Button>} />
      )}
      {wrong && <Notice tone="bad">{wrong}</Notice>}
      <TextField label="Address" pointer="/url" type="url" required maxLength={2000} placeholder="https://example.com/hooks" value={text.url} onChange={(url) => setText({ ...text, url })} hint="https on the public internet, without user and password. Redirects are not followed." />
      <TextField label="What it is for" pointer="/description" optional value={text.description} onChange={(description) => setText({ ...text, description })} />
      <EventPicker value={text.events} onChange={(events) => setText({ ...text, events })} />
      <CheckField label="Events of every account below, too" hint="Each event’s account_id says whose it is." value={text.subtree} onChange={(subtree) => setText({ ...text, subtree })} />
    </FormDialog>
  )
}

/** The secret that signs, shown this once. */
export function SigningSecret({ secret, onClose, overlapUntil }: { secret: string | null | undefined; onClose: () => void; overlapUntil?: string | null }) {
  return (
    <SecretDialog title="The signing secret" secret={secret} what="signing secret" onClose={onClose}>
      <p className="text-soft">Keep it where your service finds it. Whoever has it can sign events as the platform; if it is lost, rotate it.</p>
      {overlapUntil && <p className="text-soft">The old one signs too for a while, so that nothing is missed while you put this one in place.</p>}
    </SecretDialog>
  )
}
