// A registry of npm packages in this process: what release/build has made, and what that needs. Nothing else is known to it,
// so that a test depends on no network.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';

/** Package managers wait some days before they take a new version. */
const PUBLISHED = '2020-01-01T00:00:00.000Z';

/** Systems that packages are pretended for: a package manager must pass by these. */
const ELSEWHERE = [
  { name: 'linux-x64-musl', os: ['linux'], cpu: ['x64'], libc: ['musl'] },
  { name: 'linux-arm64-gnu', os: ['linux'], cpu: ['arm64'], libc: ['glibc'] },
  { name: 'darwin-arm64', os: ['darwin'], cpu: ['arm64'] },
  { name: 'win32-x64', os: ['win32'], cpu: ['x64'] },
];

/** Serves them, and gives the address and what ends it. */
export async function serve(packagesDirectory, work, needed) {
  const packages = new Map();
  const add = (tarball) => {
    const manifest = JSON.parse(tar(['-xzOf', tarball, 'package/package.json']));
    packages.set(manifest.name, { manifest, tarball: fs.readFileSync(tarball) });
    return manifest;
  };
  const made = fs.readdirSync(packagesDirectory).filter((file) => file.endsWith('.tgz'));
  const ours = made.map((file) => add(path.join(packagesDirectory, file)));
  for (const directory of needed) add(packed(work, path.basename(directory), directory));
  const state = ours.find(({ name }) => name === '@kenwell/redis');
  for (const { name, ...where } of ELSEWHERE.filter((one) => !packages.has(`@kenwell/redis-${one.name}`))) {
    const directory = path.join(work, name);
    fs.mkdirSync(directory);
    const manifest = { name: `@kenwell/redis-${name}`, version: state.version, main: 'kenwell.node', ...where };
    fs.writeFileSync(path.join(directory, 'package.json'), JSON.stringify(manifest));
    fs.writeFileSync(path.join(directory, 'kenwell.node'), 'for another system');
    add(packed(work, name, directory));
    state.optionalDependencies[manifest.name] = manifest.version;
  }
  packages.get(state.name).tarball = fs.readFileSync(withManifest(work, path.join(packagesDirectory, `kenwell-redis-${state.version}.tgz`), state));

  const server = createServer((request, response) => answer(packages, request, response));
  // A package manager that is held up for seconds finds the connection that it has kept.
  server.keepAliveTimeout = 0;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

function answer(packages, request, response) {
  const [name, tarball] = decodeURIComponent(request.url.slice(1).split('?')[0]).split('/-/');
  const found = packages.get(name);
  if (!found) return response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"not found"}');
  if (tarball) return response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(found.tarball);
  const { version } = found.manifest;
  const dist = {
    tarball: `http://${request.headers.host}/${name}/-/${path.basename(name)}-${version}.tgz`,
    shasum: createHash('sha1').update(found.tarball).digest('hex'),
    integrity: `sha512-${createHash('sha512').update(found.tarball).digest('base64')}`,
  };
  const time = { created: PUBLISHED, modified: PUBLISHED, [version]: PUBLISHED };
  const packument = { name, 'dist-tags': { latest: version }, versions: { [version]: { ...found.manifest, dist } }, time };
  return response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(packument));
}

function tar(args) {
  const { status, stdout, stderr } = spawnSync('tar', args, { encoding: 'utf8', maxBuffer: 1e8 });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** A directory as a package. */
function packed(work, name, directory) {
  const tarball = path.join(work, `${name}.tgz`);
  tar(['-czf', tarball, '--transform', 's,^\\.,package,', '-C', directory, '--exclude=./node_modules', '.']);
  return tarball;
}

/** The same package with another package.json. */
function withManifest(work, tarball, manifest) {
  const directory = path.join(work, 'changed');
  fs.mkdirSync(directory);
  tar(['-xzf', tarball, '-C', directory]);
  fs.writeFileSync(path.join(directory, 'package/package.json'), JSON.stringify(manifest));
  return packed(work, 'state', path.join(directory, 'package'));
}
