import { describe, expect, it } from 'vitest'
import { columnsWrong, headerOf, readRows, readTags } from './rows'

describe('rows of a bulk job', () => {
  it('are read from CSV as spreadsheets write it', () => {
    expect(readRows('\ufeffaccount_id,amount,reference\r\nacc_1,12.50,"a, ""b""\nc"\r\n\r\nacc_2,1,\r\n')).toEqual({
      columns: ['account_id', 'amount', 'reference'],
      rows: [{ account_id: 'acc_1', amount: '12.50', reference: 'a, "b"\nc' }, { account_id: 'acc_2', amount: '1' }],
      wrong: null,
    })
  })
  it('are read from a list or lines of JSON, as they are', () => {
    expect(readRows('[{"account_id":"acc_1","email":null}]').rows).toEqual([{ account_id: 'acc_1', email: null }])
    expect(readRows('{"a":"1"}\n\n{"a":"2","b":"3"}').columns).toEqual(['a', 'b'])
    expect(readRows('{"a":1}\nnope').wrong).toBe('Line 2 is no JSON object.')
    expect(readRows('[1]').wrong).toBe('Element 1 is no object.')
  })
  it('are refused whole where all of it is wrong', () => {
    expect(readRows('').wrong).toMatch(/no rows/)
    expect(readRows('a,a\n1,2').wrong).toMatch(/twice/)
    expect(readRows('a\n1,2').wrong).toMatch(/more cells/)
    expect(columnsWrong('credits', ['account_id;amount'])).toMatch(/commas/)
    expect(columnsWrong('credits', ['account_id', 'amount', 'x'])).toMatch(/“x”/)
    expect(columnsWrong('notifications', ['account_id', 'anything'])).toBeNull()
  })
  it('have tags as an object', () => {
    expect(readTags('plan=gold; region=emea')).toEqual({ plan: 'gold', region: 'emea' })
    expect(readTags('plan')).toBe('plan')
    expect(headerOf('\ufeffaccount_id,"amount"\n1')).toEqual(['account_id', 'amount'])
  })
})
