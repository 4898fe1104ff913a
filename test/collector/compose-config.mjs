// @ts-check
// Checks docker-compose.yml and what it mounts as far as that goes without an engine; needs docker-compose, or docker
// with its compose plugin: `node test/collector/compose-config.mjs`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
/** @param {string} path */
const read = (path) => readFileSync(root + path, 'utf8');
const compose = read('docker-compose.yml');
const dashboards = 'deploy/grafana/dashboards';

const checks = {
  'compose accepts it': () => {
    const args = ['-f', `${root}docker-compose.yml`, 'config', '--quiet'];
    for (const [command = '', ...plugin] of [['docker-compose'], ['docker', 'compose']]) {
      const has = spawnSync(command, [...plugin, 'version']);
      if (has.status !== 0) continue;
      const { status, stderr } = spawnSync(command, [...plugin, ...args], { encoding: 'utf8' });
      return status === 0 ? [] : [stderr.trim()];
    }
    return [
      'Neither docker-compose nor the compose plugin of docker is installed (Debian: apt-get install docker-compose).',
    ];
  },

  'every mounted file is there': () =>
    [...compose.matchAll(/^ +- \.\/(.+?):/gm)].map(([, path = '']) => path).filter((path) => !existsSync(root + path)),

  'every image has a version': () =>
    [...compose.matchAll(/image: (.+)/g)]
      .map(([, image = '']) => image)
      .filter((image) => !/:v?\d+\.\d+\.\d+$/.test(image)),

  'the collector is the one that is tested': () => {
    const image = /opentelemetry-collector-contrib:(.+)/.exec(compose)?.[1];
    const tested = /collector\/otelcol v(.+)/.exec(read('test/collector/go.mod'))?.[1];
    return image === tested ? [] : [`the image is ${image}, tested is ${tested}`];
  },

  'dashboards use data sources that are provisioned': () => {
    const uids = [...read('deploy/grafana/provisioning/datasources/datasources.yaml').matchAll(/^ {4}uid: (.+)/gm)];
    const provisioned = new Set(uids.map(([, uid]) => uid));
    return readdirSync(root + dashboards).flatMap((file) => {
      /** @type {string[]} */
      const unknown = [];
      JSON.parse(read(`${dashboards}/${file}`), (key, value) => {
        if (key === 'datasource' && !provisioned.has(value.uid)) unknown.push(`${file}: ${value.uid}`);
        return value;
      });
      return unknown;
    });
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  const mistakes = check();
  if (mistakes.length > 0) failed++;
  console.log(`${mistakes.length === 0 ? '✓' : '✗'} ${name}${mistakes.map((mistake) => `\n  ${mistake}`).join('')}`);
}
console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
