import { expect, it } from 'vitest'
import { csvOf } from './csv'

it('quotes what needs it, and leaves no formula to a spreadsheet', () => {
  expect(csvOf(['who', 'what'], [['Ada, "the first"', 'line\nbreak'], ['=HYPERLINK("x")', '@sum'], ['-1+1', '\tx'], ['plain', '']])).toBe(
    'who,what\r\n"Ada, ""the first""","line\nbreak"\r\n"\'=HYPERLINK(""x"")",\'@sum\r\n\'-1+1,\'\tx\r\nplain,\r\n',
  )
})
