// The Docker that the tests use: the one whose images scripts/docker-for-tests.sh has built, or official ones where they are at hand
// (HAYAI_TEST_IMAGES=official).

import { execFileSync } from 'node:child_process'

const digest = process.env['HAYAI_TEST_IMAGES'] ?? ''

const OFFICIAL = {
  postgres: 'postgres:15',
  'postgres-18': 'postgres:18',
  mariadb: 'mariadb:10.11',
  'mariadb-11.8': 'mariadb:11.8',
  mysql: 'mysql:9.7',
  redis: 'redis:7',
  'redis-8': 'redis:8',
  etcd: 'quay.io/coreos/etcd:v3.5.21',
  influxdb: 'influxdb:1.8',
  'victoria-metrics': 'victoriametrics/victoria-metrics:v1.102.1',
} as const

export function image(name: keyof typeof OFFICIAL): string {
  return digest === 'official' ? OFFICIAL[name] : `hayai-test-${name}:${digest}`
}

/** Why nothing can run in containers here; undefined when it can. */
export const noDocker: string | undefined = withoutImage('postgres')

/** Why nothing can run from it. The images of fetched servers are there only where those were had. */
export function withoutImage(name: keyof typeof OFFICIAL): string | undefined {
  if (digest === '') return 'no Docker for the tests (scripts/docker-for-tests.sh starts one, as root)'
  try {
    docker('image', 'inspect', image(name))
    return undefined
  } catch (error) {
    return `Docker does not answer, or has no image ${image(name)}: ${String(error)}`
  }
}

export function docker(...args: readonly string[]): string {
  return execFileSync('docker', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 2 ** 28 }).trim()
}

/** Names of containers and volumes that bear this label. */
export function labelled(label: string): readonly string[] {
  const lines = (...args: readonly string[]): readonly string[] =>
    docker(...args)
      .split('\n')
      .filter((line) => line !== '')
  return [
    ...lines('ps', '--all', '--filter', `label=${label}`, '--format', '{{.Names}}'),
    ...lines('volume', 'ls', '--filter', `label=${label}`, '--format', '{{.Name}}'),
  ].toSorted()
}

/** Everything of a project is taken away. */
export function clearProject(mark: string): void {
  const label = `label=org.hayai.project=${mark}`
  for (const id of docker('ps', '--all', '--quiet', '--filter', label).split('\n')) if (id !== '') docker('rm', '--force', '--volumes', id)
  for (const name of docker('volume', 'ls', '--quiet', '--filter', label).split('\n')) if (name !== '') docker('volume', 'rm', name)
}
