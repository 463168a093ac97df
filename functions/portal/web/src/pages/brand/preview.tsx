import { type CSSProperties, type ReactNode, useCallback, useState } from 'react'
import { api } from '~/api/client'
import type { BrandPreview, BrandTokens } from '~/api/contract'
import { readable } from '~/lib/colour'
import { safeHttp } from '~/lib/links'
import { calendar } from '~/lib/format'
import { thisMonth } from '~/lib/months'
import { useViewer } from '~/session/session'
import { Amount } from '~/ui/amount'
import { Badge } from '~/ui/badge'
import { Button } from '~/ui/button'
import { Card, Stat } from '~/ui/card'
import { FilterSelect, Problem, useSubmit } from '~/ui/form'
import { Icon } from '~/ui/icon'
import { RealMail } from './mail'
import type { Worn } from './tokens'

const SAMPLE_SUBJECT = 'Your invoice 2026-000123'
const SAMPLE_TEXT = 'Hello,\n\nyour invoice 2026-000123 is there. 128.40 is due on 1 December.\n\nThank you for being our customer.'

/** The tokens as the shell would set them, on this element alone. Only colours that were parsed come here. */
function tokensOf(look: Worn): CSSProperties {
  return { '--brand': look.color, '--brand-text': look.text, '--brand-ink-light': readable(look.accent, '#eff1f4'), '--brand-ink-dark': readable(look.accent, '#262b36') } as CSSProperties
}

function Mark({ look, size = 28 }: { look: Worn; size?: number }) {
  if (look.logo) return <img src={look.logo} alt="" className="max-w-32 object-contain" style={{ height: size }} />
  return (
    <span className="grid place-items-center rounded-md font-semibold" style={{ width: size, height: size, background: look.color, color: look.text }}>
      {look.name.charAt(0).toUpperCase()}
    </span>
  )
}

/** A picture made of our own parts: nothing in it can be pressed or read aloud but its name. */
function Frame({ label, children, look, theme = 'light', action }: { label: string; children: ReactNode; look: Worn; theme?: 'light' | 'dark'; action?: ReactNode }) {
  return (
    <figure className="min-w-0">
      <figcaption className="mb-1.5 flex min-h-7 items-center justify-between gap-2 text-xs font-medium text-soft">
        {label}
        {action}
      </figcaption>
      <div inert aria-hidden="true" className="h-[21rem] overflow-hidden rounded-lg border border-line text-ink select-none" data-theme={theme} style={tokensOf(look)}>
        {children}
      </div>
    </figure>
  )
}

function PageMock({ look }: { look: Worn }) {
  return (
    <div className="flex h-full bg-surface" style={{ zoom: 0.72 }}>
      <div className="flex w-36 shrink-0 flex-col gap-3 border-r border-line p-3">
        <div className="flex items-center gap-2">
          <Mark look={look} size={24} />
          <span className="truncate text-sm font-semibold">{look.name}</span>
        </div>
        <div className="space-y-0.5 text-sm">
          <p className="flex items-center gap-2 rounded-md bg-accent-wash px-2 py-1 font-medium">
            <Icon name="home" size={14} className="text-accent-ink" />
            Overview
          </p>
          {(['usage', 'credits', 'invoice'] as const).map((icon, index) => (
            <p key={icon} className="flex items-center gap-2 px-2 py-1 text-soft">
              <Icon name={icon} size={14} />
              {['Usage', 'Credits', 'Invoices'][index]}
            </p>
          ))}
        </div>
        <p className="mt-auto flex flex-wrap gap-x-2 text-2xs text-soft">
          {look.links.map((link) => (
            <span key={link.label}>{link.label}</span>
          ))}
        </p>
      </div>
      <div className="min-w-0 flex-1 space-y-3 p-4">
        <div className="flex items-center justify-between gap-2">
          <p className="text-lg font-semibold">Overview</p>
          <span className="inline-flex h-8 items-center rounded-md bg-accent px-3 text-sm font-medium text-accent-text">Add credit</span>
        </div>
        <div className="grid grid-cols-2 gap-3">
          <Stat label="Balance" note="Lasts 23 days">
            <Amount value="482.100000" />
          </Stat>
          <Stat label="This month" note={<span className="text-good">+12 %</span>}>
            <Amount value="128.400000" />
          </Stat>
        </div>
        <div className="rounded-xl border border-line bg-paper p-3">
          <p className="mb-2 text-sm font-semibold">Invoices</p>
          {['2026-000123', '2026-000098', '2026-000071'].map((number, index) => (
            <p key={number} className="flex items-center justify-between border-t border-line py-1.5 text-sm">
              <span className="text-accent-ink underline">{number}</span>
              <Badge tone={index ? 'good' : 'info'}>{index ? 'Paid' : 'Open'}</Badge>
            </p>
          ))}
        </div>
      </div>
    </div>
  )
}

/** The mail, as a sample; once the platform has written it, as it wrote it. */
function MailMock({ look, made }: { look: Worn; made: BrandPreview | null }) {
  return (
    <div className="flex h-full flex-col bg-white text-[#171b22]" style={{ zoom: 0.85 }}>
      <dl className="grid grid-cols-[auto_1fr] gap-x-3 border-b border-[#e3e6eb] px-4 py-2.5 text-xs">
        <dt className="text-[#545d6b]">From</dt>
        <dd className="truncate font-medium">{look.sender}</dd>
        {look.replyTo && (
          <>
            <dt className="text-[#545d6b]">Answers</dt>
            <dd className="truncate">{look.replyTo}</dd>
          </>
        )}
        <dt className="text-[#545d6b]">Subject</dt>
        <dd className="truncate">{made?.subject ?? SAMPLE_SUBJECT}</dd>
      </dl>
      {made ? (
        <div className="min-h-0 flex-1 overflow-hidden">
          <RealMail html={made.mail_html} />
        </div>
      ) : (
        <div className="flex-1 bg-[#f7f8fa] p-4">
          <div className="overflow-hidden rounded-lg bg-white">
            <div className="flex items-center gap-2 px-4 py-3 font-semibold" style={{ background: look.color, color: look.text }}>
              {look.logo ? <img src={look.logo} alt="" className="h-6 max-w-28 object-contain" /> : look.name}
            </div>
            <div className="space-y-2.5 px-4 py-4 text-sm">
              {SAMPLE_TEXT.split('\n\n').map((paragraph, index) => (
                <p key={index} className="whitespace-pre-line">
                  {paragraph}
                </p>
              ))}
              <span className="inline-flex h-8 items-center rounded-md px-3 text-sm font-medium" style={{ background: look.color, color: look.text }}>
                Open the invoice
              </span>
            </div>
          </div>
          <p className="mt-3 text-center text-2xs text-[#545d6b]">{[look.name, ...look.links.map((link) => link.label)].join(' · ')}</p>
        </div>
      )}
    </div>
  )
}

function InvoiceMock({ look }: { look: Worn }) {
  const { place, account } = useViewer()
  const lines: [string, string, string][] = [
    ['Messages', '12,400', '93.000000'],
    ['Numbers', '6', '27.000000'],
    ['Storage', '84', '8.400000'],
  ]
  return (
    <div className="h-full bg-[#eff1f4] p-4" style={{ zoom: 0.85 }}>
      <div className="mx-auto flex h-full max-w-80 flex-col bg-white p-5 text-xs text-[#171b22] shadow-low">
        <div className="flex items-start justify-between">
          <Mark look={look} size={26} />
          <p className="text-right text-2xs text-[#545d6b]">
            {look.name}
            <br />
            {look.replyTo ?? ''}
          </p>
        </div>
        <div className="mt-4 h-1 rounded" style={{ background: look.color }} />
        <p className="mt-3 text-base font-semibold">Invoice 2026-000123</p>
        <p className="text-2xs text-[#545d6b]">Usage of {calendar(thisMonth(), place)}</p>
        <table className="mt-3 w-full">
          <tbody>
            {lines.map(([what, quantity, amount]) => (
              <tr key={what} className="border-t border-[#e3e6eb]">
                <td className="py-1.5">{what}</td>
                <td className="py-1.5 text-right text-[#545d6b]">{quantity}</td>
                <td className="py-1.5 text-right">
                  <Amount value={amount} currency={account.currency} />
                </td>
              </tr>
            ))}
            <tr className="border-t-2 font-semibold" style={{ borderColor: look.color }}>
              <td className="py-1.5" colSpan={2}>
                To pay
              </td>
              <td className="py-1.5 text-right">
                <Amount value="128.400000" currency={account.currency} />
              </td>
            </tr>
          </tbody>
        </table>
        <p className="mt-auto text-center text-2xs text-[#545d6b]">{look.links.map((link) => link.label).join(' · ')}</p>
      </div>
    </div>
  )
}

/** Page, mail and invoice under tokens that need not be saved. On request the platform renders the mail and the invoice itself. */
export function Preview({ accountId, look, body }: { accountId: string; look: Worn; body: BrandTokens }) {
  const [scheme, setScheme] = useState<'light' | 'dark'>('light')
  const [made, setMade] = useState<BrandPreview | null>(null)
  const { submit, busy, error } = useSubmit(
    useCallback((tokens: BrandTokens) => api.post('/reseller/accounts/{id}/brand/preview', { path: { id: accountId }, body: tokens }), [accountId]),
    useCallback((reply: { data: BrandPreview }) => setMade(reply.data), []),
  )
  const pdf = safeHttp(made?.invoice_pdf_url)
  return (
    <Card
      title="Preview"
      sub="As it looks with what is written here, saved or not."
      actions={
        <>
          <FilterSelect label="Theme of the page" value={scheme} onChange={(value) => setScheme(value as 'light' | 'dark')} options={[{ value: 'light', label: 'Light page' }, { value: 'dark', label: 'Dark page' }]} />
          <Button busy={busy} onClick={() => void submit(body)}>
            Make the real mail and PDF
          </Button>
        </>
      }
    >
      {error && <Problem error={error} />}
      <div className="mt-2 grid gap-4 grid-cols-1 md:grid-cols-2 xl:grid-cols-3">
        <Frame label="Page" look={look} theme={scheme}>
          <PageMock look={look} />
        </Frame>
        <Frame label={made ? 'Mail, as it was made' : 'Mail'} look={look}>
          <MailMock look={look} made={made} />
        </Frame>
        <Frame
          label="Invoice"
          look={look}
          action={
            pdf && (
              <a href={pdf} target="_blank" rel="noreferrer noopener" className="inline-flex items-center gap-1">
                Open PDF <Icon name="out" size={12} />
              </a>
            )
          }
        >
          <InvoiceMock look={look} />
        </Frame>
      </div>
    </Card>
  )
}
