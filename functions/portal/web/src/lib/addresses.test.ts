import { describe, expect, it } from 'vitest'
import { webAddress } from './addresses'

describe('webAddress', () => {
  it('takes addresses of the web', () => {
    expect(webAddress('https://files.example/a.png')).toBe('https://files.example/a.png')
    expect(webAddress('http://127.0.0.1:8787/x')).toBe('http://127.0.0.1:8787/x')
  })
  it('takes nothing else', () => {
    for (const text of ['javascript:alert(1)', 'data:text/html,x', '/app/sign-in', '//evil.example', 'https:evil', 'https://user:pass@bank.example', 'ftp://x.example', '', null]) expect(webAddress(text)).toBeNull()
  })
})
