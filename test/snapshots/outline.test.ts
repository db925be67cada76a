// The outline in a manifest, and what differs between two of them.

import { describe, expect, it } from 'vitest'
import type { Outline } from '../../src/engines/engine.ts'
import { differences, type Moment } from '../../src/snapshots/differences.ts'
import { packOutline, unpackOutline } from '../../src/snapshots/outline.ts'

const ID = { type: 'integer', nullable: false, default: null }

function moment(tables: Outline['tables'], rows: Readonly<Record<string, number>>, more: Partial<Moment> = {}): Moment {
  return { census: { tables: rows, objects: {} }, outline: { tables, objects: {} }, digests: null, ...more }
}

describe('the outline', () => {
  it('comes back as it was, whatever its names are', async () => {
    const columns = Object.fromEntries(['constructor', 'toString', 'a "b"', '日本'].map((name) => [name, ID]))
    const outline: Outline = { bytes: 1, tables: { hasOwnProperty: { columns, parts: { index: { valueOf: 'btree (id)' } } } }, objects: {} }
    const packed = (await packOutline(outline)) ?? expect.fail('too large')
    expect(await unpackOutline(packed)).toEqual(outline)
    await expect(unpackOutline(packed.slice(0, -8))).rejects.toMatchObject({ code: 'CORRUPT' })
  })

  it('of a hundred thousand tables is kept, and small beside their census', async () => {
    const names = ['id', 'created_at', 'updated_at', 'customer', 'amount', 'currency', 'note', 'state']
    const tables = Array.from({ length: 100_000 }, (_, n) => {
      const columns = Object.fromEntries(names.map((name, at) => [name, { ...ID, type: at > 4 ? 'character varying(40)' : 'bigint' }]))
      const parts = { constraint: { [`tenant_${n}_pkey`]: 'PRIMARY KEY (id)' }, index: { [`tenant_${n}_idx`]: 'btree (customer)' } }
      return [`tenant_${n}.orders`, { columns, parts }] as const
    })
    const outline = { tables: Object.fromEntries(tables), objects: {} }
    const packed = (await packOutline(outline)) ?? expect.fail('too large')
    expect(packed.length).toBeLessThan(4 * 1024 * 1024)
    expect(Object.keys((await unpackOutline(packed)).tables)).toHaveLength(100_000)
  })

  it('that is too large is left out', async () => {
    const noise = Array.from({ length: 400_000 }, (_, n) => [`${n}-${Math.random()}${Math.random()}`, { columns: {}, parts: {} }] as const)
    expect(await packOutline({ tables: Object.fromEntries(noise), objects: {} })).toBeUndefined()
  })
})

describe('differences', () => {
  it('are none between a moment and itself', () => {
    const one = moment({ constructor: { columns: { id: ID }, parts: {} } }, { constructor: 3 })
    expect(differences(one, one)).toEqual({ tables: [], objects: [], counts: [], sameTables: 1 })
  })

  it('are told of columns by type, nullability and default', () => {
    const before = moment({ t: { columns: { id: ID, gone: ID, same: ID }, parts: {} } }, { t: 3 })
    const after = moment({ t: { columns: { id: { ...ID, default: '0' }, same: ID, fresh: ID }, parts: {} } }, { t: 3 })
    expect(differences(before, after).tables).toMatchObject([
      {
        name: 't',
        how: 'changed',
        content: 'unknown',
        columns: [
          { name: 'id', how: 'changed', before: ID, after: { default: '0' } },
          { name: 'gone', how: 'removed', after: null },
          { name: 'fresh', how: 'added', before: null },
        ],
      },
    ])
  })

  it('never call rows the same that nobody has compared', () => {
    const table = { t: { columns: { id: ID }, parts: {} } }
    const [one, other] = [moment(table, { t: 3 }, { digests: { t: '1' } }), moment(table, { t: 3 }, { digests: { t: '2' } })]
    expect(differences(one, other).tables).toMatchObject([{ content: 'different', rows: { before: 3, after: 3 } }])
    expect(differences(one, moment(table, { t: 3 })).tables).toEqual([])
    const indexed = moment({ t: { columns: { id: ID }, parts: { index: { i: 'btree (id)' } } } }, { t: 3 })
    expect(differences(one, indexed).tables).toMatchObject([{ content: 'unknown', parts: [{ kind: 'index', name: 'i', how: 'added' }] }])
  })

  it('tell a count where no name tells it', () => {
    const objects = (more: Readonly<Record<string, number>>, view: Readonly<Record<string, string>> = {}): Moment => ({
      census: { tables: {}, objects: { views: Object.keys(view).length, ...more } },
      outline: { tables: {}, objects: { view } },
      digests: null,
    })
    expect(differences(objects({ roles: 1 }), objects({ roles: 2 }, { v: 'x' }))).toMatchObject({
      objects: [{ kind: 'view', name: 'v', how: 'added' }],
      counts: [{ what: 'roles', before: 1, after: 2 }],
    })
    expect(differences(objects({ 'other/indexes': 1 }), objects({ 'other/indexes': 2 })).counts).toHaveLength(1)
  })
})
