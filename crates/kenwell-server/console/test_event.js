// A test event through the real gateway, and the profile that it became.
import { ExactNumber, parseExactly, path, post } from './api.js';
import { codeBlock, linkButton, submit } from './controls.js';
import { fill, h } from './dom.js';
import { area, text } from './fields.js';
import { Form } from './form.js';
import { box } from './notice.js';
import { jsonText } from './personal.js';
import { outcomeBadge } from './status.js';
import { fieldTable } from './table.js';

const TRAITS = '{\n  "name": "Test User",\n  "plan": { "tier": "pro" }\n}';

/** The form and its result. `names`: destinations' names by id. */
export function testEvent(source, names) {
  const results = h('div', { role: 'status', class: 'stack' });
  const user = text('user_id', 'User id', { value: 'kenwell-test', hint: 'Its profile is written for real; choose an id that no real user has.' });
  const traits = area('traits', 'Traits (JSON)', { value: TRAITS, rows: 5 });
  const form = new Form([user, traits], submit('Send test event'), async (values) => {
    const parsed = readTraits(traits, values.traits);
    if (parsed === undefined) return;
    fill(results);
    const answer = await post(`/sources${path(source.id)}/test-event`, { user_id: values.user_id, traits: parsed });
    fill(results, ...answer.results.length ? answer.results.map((one) => result(one, answer.user_id, names)) : [nobody()]);
  }, { label: 'Test event' });
  return h('div', {}, form.element, results);
}

/** The object in the field; undefined, with the reason at the field, when it is none. */
function readTraits(field, value) {
  try {
    const parsed = parseExactly(value);
    if (parsed !== null && typeof parsed === 'object' && !Array.isArray(parsed) && !(parsed instanceof ExactNumber)) return parsed;
    field.fail('Write a JSON object, such as {"name": "Zoë"}.');
  } catch (error) {
    field.fail(`This is no JSON: ${error.message}`);
  }
  field.control.focus();
  return undefined;
}

function nobody() {
  return box('warn', h('p', {}, 'Accepted, but this source sends to no destination. Tick one under Settings, or add one.'));
}

/** What became of it in one destination. */
function result(one, userId, names) {
  const where = `#/profiles?destination=${encodeURIComponent(one.destination)}&user=${encodeURIComponent(userId)}`;
  return h('div', { class: 'result' },
    h('div', { class: 'heading' },
      h('h3', {}, names.get(one.destination) ?? one.destination, ' ', outcomeBadge(one.outcome)),
      linkButton('Open profile', where, 'quiet small')),
    one.key ? h('p', {}, 'Key ', h('code', {}, one.key)) : null,
    one.error ? box('bad', h('p', {}, one.error)) : null,
    one.outcome === 'waiting' ? box('warn', h('p', {}, 'It is safe in the journal, and arrives as soon as the destination takes it.')) : null,
    one.fields.length ? fieldTable(one) : null,
    one.document === undefined ? null : codeBlock('JSON document', jsonText(one.document)).element);
}
