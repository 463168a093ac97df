import { describe, expect, it } from 'vitest'
import { modelOf, modelSays, modelText, NEW_MODEL, readModel } from './model'

const place = { locale: 'en-US', timeZone: 'UTC' }

describe('price models', () => {
  it('reads each kind as the API takes it', () => {
    expect(readModel({ ...NEW_MODEL, unit_price: '0,05' }).model).toEqual({ type: 'flat', unit_price: '0.05' })
    expect(readModel({ ...NEW_MODEL, kind: 'package', size: '100', price: '1.50' }).model).toEqual({ type: 'package', size: '100', price: '1.50' })
    expect(readModel({ ...NEW_MODEL, unit_price: '0.05', minimum: '5' }).model).toEqual({ type: 'minimum', minimum: '5', model: { type: 'flat', unit_price: '0.05' } })
    const bands = [{ to: '1000', unit_price: '0.05', flat_fee: '' }, { to: '10000', unit_price: '0.04', flat_fee: '2' }, { to: '', unit_price: '0.03', flat_fee: '' }]
    expect(readModel({ ...NEW_MODEL, kind: 'graduated', bands }).model).toEqual({
      type: 'graduated',
      bands: [{ from: '0', to: '1000', unit_price: '0.05' }, { from: '1000', to: '10000', unit_price: '0.04', flat_fee: '2' }, { from: '10000', to: null, unit_price: '0.03' }],
    })
  })
  it('names the band that is wrong', () => {
    const bands = [{ to: '1000', unit_price: '0.05', flat_fee: '' }, { to: '900', unit_price: '0.04', flat_fee: '' }, { to: '', unit_price: '1', flat_fee: '' }]
    expect(readModel({ ...NEW_MODEL, kind: 'volume', bands }).wrong).toBe('Band 2 must end above 1000.')
    expect(readModel(NEW_MODEL).wrong).toMatch(/price of one unit/)
  })
  it('comes back as it was', () => {
    const model = { type: 'minimum', minimum: '5', model: { type: 'volume', bands: [{ from: '0', to: '10', unit_price: '0.000000000001', flat_fee: '1' }, { from: '10', to: null, unit_price: '2' }] } } as const
    expect(readModel(modelText(model as never)).model).toEqual(model)
  })
  it('comes back from an address, whatever stands there', () => {
    const text = { ...NEW_MODEL, kind: 'volume' as const, bands: [{ to: '', unit_price: '2', flat_fee: '' }] }
    expect(modelOf(JSON.stringify(text))).toEqual(text)
    for (const odd of [undefined, '', 'x', 'null', '7', '{"kind":"toString","bands":[null]}']) expect(modelOf(odd)).toMatchObject({ kind: 'flat', unit_price: '' })
  })
  it('says what it is', () => {
    expect(modelSays({ type: 'flat', unit_price: '0.0000004' }, 'USD', 'message', place)).toBe('$0.0000004 a message')
  })
})
