// The journey of releases that Debian 12 does not have, with what they can and older ones cannot: the set-up fetches them where it can.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { findNewerFirst, NEWER } from '../fetched.ts'
import { goTheJourney } from './journey.ts'

findNewerFirst() // before their actors look for programs
const { actsOf } = await import('./acts.ts')
const { postgresql } = await import('./cast.ts')
const { mariadb } = await import('./mariadb.ts')
const { redis } = await import('./redis.ts')

const POSTGRESQL = `
  CREATE SCHEMA newer; SET search_path = newer;
  CREATE ROLE keeper;
  CREATE TABLE made (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) VIRTUAL, thrice int GENERATED ALWAYS AS (a * 3) STORED);
  INSERT INTO made (a) SELECT * FROM generate_series(1, 50);
  GRANT MAINTAIN ON made TO keeper; GRANT pg_maintain TO keeper; ALTER ROLE keeper SET transaction_timeout = '5s';
  CREATE STATISTICS of_made ON a, thrice FROM made;
  CREATE TABLE there (x int CONSTRAINT x_is_there NOT NULL, y int); INSERT INTO there VALUES (1, NULL);
  ALTER TABLE there ADD CONSTRAINT y_will_be NOT NULL y NOT VALID;
  CREATE TABLE loose (made int CONSTRAINT not_enforced REFERENCES made NOT ENFORCED); INSERT INTO loose VALUES (999);
  CREATE TABLE stay (room int4range, at daterange, PRIMARY KEY (room, at WITHOUT OVERLAPS));
  CREATE TABLE guest (room int4range, at daterange, FOREIGN KEY (room, PERIOD at) REFERENCES stay (room, PERIOD at));
  INSERT INTO stay VALUES ('[1,2)', '[2026-01-01,2026-02-01)'); INSERT INTO guest VALUES ('[1,2)', '[2026-01-03,2026-01-09)');
  CREATE TABLE keyed (id uuid DEFAULT uuidv7() PRIMARY KEY); INSERT INTO keyed DEFAULT VALUES;
  CREATE COLLATION folded (provider = builtin, locale = 'PG_UNICODE_FAST');
  CREATE DATABASE beside TEMPLATE template0 LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'`

const MARIADB = `
  CREATE TABLE vectors (id int PRIMARY KEY, v VECTOR(3) NOT NULL, VECTOR INDEX (v) M = 8 DISTANCE = cosine);
  INSERT INTO vectors SELECT seq, VEC_FromText(CONCAT('[', seq, ',', seq * 2, ',0.5]')) FROM seq_1_to_200;
  CREATE TABLE versions (a int PRIMARY KEY, b text) WITH SYSTEM VERSIONING; INSERT INTO versions VALUES (1, 'one'); UPDATE versions SET b = 'eins';
  CREATE TABLE late (at timestamp NULL, t varchar(20) COLLATE utf8mb4_uca1400_as_cs); INSERT INTO late VALUES ('2100-06-01 00:00:00', 'Ä');
  INSTALL SONAME 'auth_ed25519'; CREATE USER curve@'%' IDENTIFIED VIA ed25519 USING PASSWORD('secret'); GRANT SELECT ON vectors TO curve@'%';
  INSTALL SONAME 'auth_parsec'; CREATE USER salted@'%' IDENTIFIED VIA parsec USING PASSWORD('secret');
  GRANT SHOW CREATE ROUTINE ON *.* TO salted@'%'`

const REDIS = `HSET fields a 1 b 2 c 3
HPEXPIREAT fields 4102444800000 FIELDS 2 a b
${Array.from({ length: 40 }, (_, n) => `VADD vectors VALUES 3 ${n} ${n % 7} 1 e${n}`).join('\n')}
VSETATTR vectors e7 "{\\"n\\": 7}"`

for (const [actor, { version, folder, server }, more] of [
  [postgresql, NEWER.postgresql, POSTGRESQL],
  [mariadb, NEWER.mariadb, MARIADB],
  [redis, NEWER.redis, REDIS],
] as const) {
  if (!existsSync(join(folder, server))) {
    describe(`${actor.engine} ${version}`, () => test.skip('is tried: it was not fetched', () => {}))
    continue
  }
  goTheJourney(
    // A folder of Redis is the same in every version.
    actsOf(actor)
      .filter(({ engine, first }) => first || engine !== 'redis')
      .map((act) => ({
        ...act,
        async fill(project, name) {
          await actor.fill(project, name)
          await actor.run(project, name, more)
        },
        place: { version },
        where: `of version ${version}`,
        whole: false,
      })),
  )
}
