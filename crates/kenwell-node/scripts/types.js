// Compiles what programs write with the package's types, strictly: npm run types
//
// The programs are those of test/types and every TypeScript or JavaScript block of the pages, each in three ways to resolve
// modules; and again where Jovo is not installed, with the package's own types checked (skipLibCheck: false). Jovo's own
// types cannot be checked in every way. At last, each entry's types must name what it exports, for `import` and for `require`.
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { pathToFileURL } = require('url');

const ts = require('typescript');

const blocks = require('../test/support/blocks');

const CRATE = path.resolve(__dirname, '..');
const TYPES = path.join(CRATE, 'test/types');

const MODES = {
  'commonjs, node10': { module: ts.ModuleKind.CommonJS, moduleResolution: ts.ModuleResolutionKind.Node10, ignoreDeprecations: '5.0' },
  node16: { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 },
  'esnext, bundler': { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler },
};
const STRICT = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2022, lib: ['lib.es2022.d.ts'], esModuleInterop: true, types: ['node'] };

/** Where packages are that blocks import: here, and in the suites that use them. */
const SUITES = [CRATE, ...['conformance', 'bench'].flatMap((name) => subdirectories(path.join(blocks.ROOT, name)))];

function subdirectories(directory) {
  return fs.readdirSync(directory).map((name) => path.join(directory, name)).filter((found) => fs.existsSync(path.join(found, 'package.json')));
}

/** A package where it is installed; null when a suite that is not installed has it. Anything else is a mistake in a page. */
function installed(name) {
  const found = SUITES.map((suite) => path.join(suite, 'node_modules', name)).find((directory) => fs.existsSync(directory));
  if (found !== undefined) return found;
  const named = SUITES.some((suite) => {
    const { dependencies, devDependencies } = JSON.parse(fs.readFileSync(path.join(suite, 'package.json'), 'utf8'));
    return { ...dependencies, ...devDependencies }[name] !== undefined;
  });
  if (named) return null;
  throw new Error(`a block imports ${name}, which no package.json here names: add it to devDependencies`);
}

/** A directory as a reader has it after `npm install`: this package as it is published, and others. */
function project(work, name, packages) {
  const directory = path.join(work, name);
  const modules = path.join(directory, 'node_modules');
  const own = path.join(modules, '@kenwell/redis');
  fs.mkdirSync(own, { recursive: true });
  for (const file of fs.readdirSync(CRATE).filter((found) => /\.d\.[mc]?ts$|^package\.json$/.test(found))) fs.copyFileSync(path.join(CRATE, file), path.join(own, file));
  const link = (package_, place) => {
    fs.mkdirSync(path.dirname(path.join(modules, package_)), { recursive: true });
    fs.symlinkSync(place, path.join(modules, package_));
  };
  for (const [package_, place] of Object.entries(packages)) {
    link(package_, place);
    const types = path.join(place, '../@types', package_);
    if (fs.existsSync(types)) link(`@types/${package_}`, types);
  }
  // The programs of test/types are CommonJS, the blocks are ES modules.
  fs.writeFileSync(path.join(directory, 'package.json'), '{"type":"commonjs"}');
  fs.mkdirSync(path.join(directory, 'blocks'));
  fs.writeFileSync(path.join(directory, 'blocks/package.json'), '{"type":"module"}');
  return directory;
}

/** The blocks as files, with where they come from. In CommonJS a program that awaits stands in a function. */
function blockFiles(directory, found, isCommonJs) {
  return found.map(({ program, place }, index) => {
    const file = path.join(directory, `blocks/block${index}.ts`);
    fs.writeFileSync(file, `${isCommonJs && awaits(program) ? inFunction(program) : program}\nexport {};\n`);
    return [file, place];
  });
}

/** The language's own libraries, which are the same in every program. */
const libraries = new Map();

function hostOf(options) {
  const host = ts.createCompilerHost(options);
  const { getSourceFile } = host;
  host.getSourceFile = (name, ...more) => {
    if (!/\/typescript\/lib\/lib\.[^/]*$/.test(name)) return getSourceFile(name, ...more);
    if (!libraries.has(name)) libraries.set(name, getSourceFile(name, ...more));
    return libraries.get(name);
  };
  return host;
}

/** Whether a program waits for something outside of its functions. */
function awaits(program) {
  const visit = (node) => ts.isAwaitExpression(node) || (!ts.isFunctionLike(node) && ts.forEachChild(node, visit) === true);
  return visit(ts.createSourceFile('block.ts', program, ts.ScriptTarget.ES2022));
}

/** The same program with all but its imports in a function. Lines keep their numbers. */
function inFunction(program) {
  const imports = [];
  const body = program.replace(/^import [^;]*;$/gm, (line) => {
    imports.push(line.replace(/\s+/g, ' '));
    return line.replace(/[^\n]/g, '');
  });
  return `${imports.join(' ')} export async function block() {${body}\n}`;
}

function programOf(files, mode) {
  const options = { ...STRICT, ...mode, typeRoots: [path.join(CRATE, 'node_modules/@types')] };
  return ts.createProgram(files, options, hostOf(options));
}

function problems(directory, program, places = new Map()) {
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const words = ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ');
    if (!diagnostic.file) return words;
    const { line } = diagnostic.file.getLineAndCharacterOfPosition(diagnostic.start);
    const name = diagnostic.file.fileName;
    const shown = places.get(name) ?? path.relative(directory, name);
    return `${shown}, line ${line + 1}: ${words}`;
  });
}

/** Entries that export other names than their types say; `program` has read the types of all of them. */
async function wrongEntries(directory, program) {
  const checker = program.getTypeChecker();
  const isValue = (symbol) => ((symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol).flags & ts.SymbolFlags.Value) !== 0;
  const wrong = [];
  for (const ways of Object.values(require('../package.json').exports).filter((one) => typeof one === 'object')) {
    for (const [way, { types, default: file }] of Object.entries(ways)) {
      if (file.replace(/\.(m?)js$/, '.d.$1ts') !== types) wrong.push(`${file} is another kind of module than ${types}`);
      const source = program.getSourceFile(path.join(directory, 'node_modules/@kenwell/redis', types));
      const typed = checker.getExportsOfModule(checker.getSymbolAtLocation(source)).filter(isValue).map(({ name }) => name);
      const entry = path.join(CRATE, file);
      const exported = Object.keys(way === 'import' ? await import(pathToFileURL(entry)) : require(entry));
      if (String(typed.sort()) !== String(exported.sort())) wrong.push(`${types} has ${typed.join(', ')}, but ${file} exports ${exported.join(', ')}`);
    }
  }
  return wrong;
}

async function main() {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'kenwell-types-'));
  let failed = 0;
  try {
    const found = blocks.all();
    const places = new Map(found.flatMap(({ packages }) => packages).filter((name) => name !== '@kenwell/redis').map((name) => [name, installed(name)]));
    const missing = [...places].filter(([, place]) => place === null).map(([name]) => name);
    if (missing.length > 0) console.log(`types: blocks with ${missing.join(', ')} are left out: their suite is not installed`);
    const compiled = found.filter(({ packages }) => !packages.some((name) => missing.includes(name)));
    const there = Object.fromEntries([...places].filter(([, place]) => place !== null));
    const framework = { '@jovotech/framework': path.join(CRATE, 'node_modules/@jovotech/framework') };
    for (const [name, mode] of Object.entries(MODES)) {
      const withJovo = project(work, `with-jovo-${mode.module}`, { ...there, ...framework });
      const without = project(work, `without-jovo-${mode.module}`, {});
      const copied = (directory, names) => names.map((file) => {
        fs.copyFileSync(path.join(TYPES, file), path.join(directory, file));
        return path.join(directory, file);
      });
      const isCommonJs = mode.module === ts.ModuleKind.CommonJS;
      const files = new Map(blockFiles(withJovo, compiled, isCommonJs));
      const program = programOf([...copied(withJovo, ['app.ts', 'docs.ts']), ...files.keys()], { ...mode, skipLibCheck: true });
      // Only where `import` and `require` are told apart.
      const modules = isCommonJs ? [] : ['module.mts'];
      const programWithout = programOf(copied(without, ['store.ts', 'sessions.ts', 'without-jovo.ts', ...modules]), { ...mode, skipLibCheck: false });
      const wrong = [
        ...problems(withJovo, program, files),
        ...problems(without, programWithout).map((problem) => `without Jovo: ${problem}`),
        ...(mode.module === ts.ModuleKind.Node16 ? await wrongEntries(without, programWithout) : []),
      ];
      for (const problem of wrong) console.log(`types (${name}): ${problem}`);
      failed += wrong.length;
    }
    console.log(`types: ${compiled.length} blocks and the programs of test/types, in ${Object.keys(MODES).length} ways: ${failed} problems`);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  return failed;
}

main().then((failed) => { process.exitCode = failed === 0 ? 0 : 1; });
