// The TypeScript and JavaScript blocks of the pages: README.md, this package's README.md, and docs/*.md.
'use strict';

const fs = require('fs');
const path = require('path');

const ROOT = path.resolve(__dirname, '../../../..');
const LANGUAGES = new Set(['ts', 'typescript', 'js', 'javascript', 'mjs', 'cjs']);
const FENCE = /^( *)```(\w*)[^\n]*\n([^]*?)^\1```/gm;
/** Directly above a block that goes on where the one before it ends. */
const CONTINUES = /<!-- continues -->\n+$/;
const IMPORT = /^import [^;]*?from '([^']+)';$|^import '([^']+)';$/gm;

/** What a reader has when they have typed in a block: with the blocks that it continues, if it continues any. */
function ofPage(page) {
  const text = fs.readFileSync(path.join(ROOT, page), 'utf8');
  const blocks = [];
  for (const [all, indent, language, content] of text.matchAll(FENCE)) {
    if (!LANGUAGES.has(language)) continue;
    const at = text.indexOf(all);
    const before = text.slice(0, at);
    const lines = content.split('\n').map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line)).join('\n');
    const program = CONTINUES.test(before) && blocks.length > 0 ? joined(blocks[blocks.length - 1].program, lines) : lines;
    blocks.push({ place: `${page}:${before.split('\n').length}`, program, packages: packagesOf(program) });
  }
  return blocks;
}

/** One program of two: imports come first, and each only once. */
function joined(first, second) {
  const imports = new Map();
  const bodies = [first, second].map((program) =>
    program.replace(IMPORT, (line, from) => {
      const names = /\{([^}]*)\}/.exec(line);
      if (names === null) {
        imports.set(line, null);
      } else {
        const known = imports.get(from) ?? new Set();
        for (const name of names[1].split(',')) known.add(name.trim());
        imports.set(from, known);
      }
      return '';
    }),
  );
  const lines = [...imports].map(([from, names]) => (names === null ? from : `import { ${[...names].join(', ')} } from '${from}';`));
  return [...lines, ...bodies].join('\n');
}

/** The packages that a program imports, without those that are part of Node. */
function packagesOf(program) {
  const names = [...program.matchAll(IMPORT)].map(([, from, alone]) => (from ?? alone).split('/').slice(0, (from ?? alone).startsWith('@') ? 2 : 1).join('/'));
  return [...new Set(names)].filter((name) => !require('module').builtinModules.includes(name.replace(/^node:/, '')));
}

function pages() {
  const docs = fs.readdirSync(path.join(ROOT, 'docs')).filter((file) => file.endsWith('.md'));
  return ['README.md', 'crates/kenwell-node/README.md', ...docs.map((file) => `docs/${file}`)];
}

/** All of them, in the order of the pages. */
const all = () => pages().flatMap(ofPage);

module.exports = { ROOT, all, joined, packagesOf };
