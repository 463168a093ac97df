import { createContext } from 'react'

/** Whether this stands in a row that keys walk through: what can be pressed in it is then no stop of the tabulator, but reached from its row. */
export const InRow = createContext(false)
