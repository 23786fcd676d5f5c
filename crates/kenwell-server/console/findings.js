// What "Test connection" found, line by line, with the cure of whatever is wrong.
import { LONG_PATIENCE, post } from './api.js';
import { button } from './controls.js';
import { fill, h } from './dom.js';
import { prose, toast } from './notice.js';
import { plural } from './numbers.js';

const WORDS = { ok: 'OK', warning: 'Warning', failed: 'Failed', skipped: 'Skipped' };
const KINDS = { ok: 'good', warning: 'warn', failed: 'bad', skipped: 'plain' };
const CHECKS = {
  settings: 'Settings', name: 'Host name', connect: 'Connect', tls: 'Encryption', login: 'Sign in', rights: 'Rights',
  database: 'Database', topology: 'Kind', role: 'Role', version: 'Version', eviction: 'Eviction',
  persistence: 'Persistence', marker: 'Lost writes', probe: 'Write a profile', round_trip: 'Round trip',
};

/** What a cure says of a setting, as the file would have it. */
const ASSIGNMENT = /`(\w+) = ([^`]+)`/g;
/** The same of a map: one pair. */
const PAIR = /^\{ "([^"]+)" = "[^"]+" \}$/;

/** A place for the findings of one test after another. */
export class Findings {
  element = h('div', { class: 'findings', role: 'status' });
  #connection;
  #outdated = h('p', { class: 'hint', hidden: true }, 'Something stands in the form now that was not tested. Test again.');

  /** `connection`: the fields that are tested; a cure that is one of them can be put in. */
  constructor(connection) {
    this.#connection = connection;
    connection.onInput(() => this.#outdate(true));
  }

  /** A button that tests what `settings()` gives; its errors go where those of `form()` go. */
  testButton(form, settings) {
    return button('Test connection', (event) => form().run(async () => {
      const waiting = h('p', { class: 'waiting' }, 'Testing the connection…');
      fill(this.element, waiting);
      this.#outdate(false);
      try {
        this.#show(await post('/destinations/test', settings(), LONG_PATIENCE));
      } finally {
        waiting.remove();
      }
    }, event.currentTarget));
  }

  /** What was found is of what stood in the form when it was tested. */
  #outdate(isOutdated) {
    this.#outdated.hidden = !isOutdated;
  }

  #show(report) {
    fill(this.element, h('h3', { class: report.healthy ? 'good' : 'bad' }, verdict(report)), this.#outdated,
      h('ul', { class: 'checks' }, report.findings.map((finding) => line(finding, this.#connection))));
  }
}

/** For each setting that a cure names, a button that puts it into the form; it can be taken out again, and is not saved by that. */
function fixButtons(cure, connection) {
  const settings = [...(cure ?? '').matchAll(ASSIGNMENT)].filter(([, name]) => connection.kindFor(name));
  return settings.map(([, name, value]) => {
    const [, left] = connection.kindFor(name) === 'map' ? PAIR.exec(value) ?? [] : [];
    return left ? pairButton(name, left, connection) : button(`Set ${name} = ${value}`, () => {
      const undo = connection.put(name, value);
      toast(`${name} = ${value} stands in the form now. It is not saved yet.`, { undo });
    }, { kind: 'small' });
  });
}

/** Where a server is that announces an address which leads nowhere from here, only the reader knows; mostly where the others are. */
function pairButton(name, left, connection) {
  return button(`Add ${left} to ${name}`, () => {
    const right = connection.host;
    const undo = connection.putPair(name, left, right);
    toast(`${left} = ${right} stands in the form now. Write the host by which ${left} is reached from here, if it is another one. It is not saved yet.`, { undo });
  }, { kind: 'small' });
}

function verdict(report) {
  const number = (status) => report.findings.filter((finding) => finding.status === status).length;
  const failed = number('failed');
  const warnings = number('warning');
  if (!report.healthy) return `The connection does not work: ${plural(failed, 'check')} failed.`;
  return warnings ? `The connection works, with ${plural(warnings, 'warning')}.` : 'The connection works.';
}

function line(finding, connection) {
  const fixes = finding.status === 'ok' ? [] : fixButtons(finding.cure, connection);
  return h('li', { class: `check-line ${KINDS[finding.status] ?? 'plain'}` },
    h('span', { class: `badge ${KINDS[finding.status] ?? 'plain'}` }, WORDS[finding.status] ?? finding.status),
    h('div', {}, h('strong', {}, CHECKS[finding.check] ?? finding.check), h('p', {}, prose(finding.text)),
      finding.cure ? h('p', { class: 'cure' }, h('span', {}, 'Cure: '), prose(finding.cure)) : null,
      fixes.length > 0 ? h('div', { class: 'actions' }, fixes) : null));
}
