// The recovery sheet: a page to be printed, from which the snapshots can be read when every machine is gone.

import { Secret } from '../../base/secret.ts'

interface Subject {
  readonly identity: Secret
  readonly recipient: string
  readonly project: string
  readonly at: Date
}

export function sheetText({ identity, recipient, project, at }: Subject): Secret {
  return new Secret(`HAYAI RECOVERY SHEET

Project      ${project}
Made         ${at.toISOString().slice(0, 10)}
Recipient    ${recipient}

Secret key   ${identity.reveal()}

Whoever has the secret key can read every snapshot and backup that is encrypted for the recipient. Without it nobody can, and it
cannot be made again. Print this page, keep it where the backups are not, and delete the file that it came in.

To read them with Hayai, on any machine: write the secret key, on a line of its own, into a file that only you can read
(chmod 600 KEYFILE), and name that file:

    HAYAI_IDENTITY=KEYFILE hayai restore SNAPSHOT

To read them without Hayai, with the program "age" (https://age-encryption.org):

    age -d -i KEYFILE -o NAME.sql.gz NAME.sql.gz.age

The .json beside each snapshot says in "byHand" how it goes on from there.
`)
}
