// The semicolon that MySQL keeps with a trigger is left out of a dump, wherever its pieces end; nothing else is.

import { describe, expect, test } from 'vitest'
import { MARIADB, MYSQL } from '../../src/engines/mariadb/dialect.ts'
import { endedOnce } from '../../src/engines/mariadb/endings.ts'
import { collect } from './postgresql-server.ts'

const HEAD = '-- MySQL dump 10.13  Distrib 9.7.4\n'
const DUMP =
  HEAD +
  "INSERT INTO `t` VALUES ('; */;;\\n'),(2);\nDELIMITER ;;\n/*!50003 CREATE*/ /*!50003 TRIGGER a SET NEW.i = 1; */;;\n/*!50003 CREATE*/ /*!50003 TRIGGER b BEGIN ; END */;;\n; */;\n; */;;\n; */;;"
const MENDED =
  HEAD +
  "INSERT INTO `t` VALUES ('; */;;\\n'),(2);\nDELIMITER ;;\n/*!50003 CREATE*/ /*!50003 TRIGGER a SET NEW.i = 1 */;;\n/*!50003 CREATE*/ /*!50003 TRIGGER b BEGIN ; END */;;\n; */;\n */;;\n; */;;"

async function* pieces(size: number, text = DUMP) {
  for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size))
}

describe('a dump of MySQL', () => {
  test.each(Array.from({ length: 20 }, (_, index) => index + 1).concat(1000))('in pieces of %i bytes', async (size) => {
    expect((await collect(endedOnce(MYSQL, pieces(size)))).toString()).toBe(MENDED)
    expect((await collect(endedOnce(MARIADB, pieces(size)))).toString()).toBe(DUMP)
    const others = DUMP.replace('MySQL dump', 'some script')
    expect((await collect(endedOnce(MYSQL, pieces(size, others)))).toString()).toBe(others)
  })
})
