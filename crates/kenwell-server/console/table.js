// Tables that turn into cards on narrow screens without losing their meaning.
import { h } from './dom.js';
import { duration, time } from './time.js';

/**
 * A table. Columns are `{ title, kind, isPlain }`: kind `number` aligns right, and a narrow screen leaves the title of a
 * plain one out. `head(column)` may make more of a title than its text. The roles are given again because a narrow screen lays rows out as blocks, and some browsers then forget
 * that it is a table.
 */
export function table(caption, columns, head = (column) => column.title) {
  const body = h('tbody', { role: 'rowgroup' });
  const heads = h('tr', { role: 'row' }, columns.map((column) => h('th', {
    scope: 'col', role: 'columnheader', class: column.kind,
  }, column.title === '' ? h('span', { class: 'unseen' }, 'Actions') : head(column))));
  const element = h('table', { class: 'table', role: 'table' },
    h('caption', { class: 'unseen' }, caption), h('thead', { role: 'rowgroup' }, heads), body);
  return { element, body, columns };
}

/** A row whose cells know their column's title, for the narrow layout. The first cell heads the row. */
export function row(columns, cells) {
  return h('tr', { role: 'row' }, columns.map((column, place) => h(place === 0 ? 'th' : 'td', {
    scope: place === 0 ? 'row' : null, role: place === 0 ? 'rowheader' : 'cell',
    class: column.kind, 'data-title': column.isPlain ? '' : column.title,
  }, cells[place])));
}

/**
 * The fields of a user's hash, and when those expire that go before it. `origins`, where they are known, has for each field
 * when its event happened and who sent it.
 */
export function fieldTable({ key, fields, field_ttl_seconds: times = {} }, origins = null) {
  const expires = Object.keys(times).length > 0;
  const { element, body, columns } = table(`Fields of ${key}`, [
    { title: 'Field' }, { title: 'Value', isPlain: true }, expires ? { title: 'Expires' } : null,
    origins ? { title: 'Happened' } : null, origins ? { title: 'Source' } : null,
  ].filter(Boolean));
  const expiry = (name) => (Object.hasOwn(times, name) ? `in ${duration(times[name])}` : 'with the profile');
  body.append(...fields.map(([name, value]) => row(columns, [h('code', {}, name), h('code', {}, value),
    ...(expires ? [expiry(name)] : []), ...(origins ? originCells(origins.get(name)) : [])])));
  return element;
}

/** When a field's event happened, and its source; the rest of what is known on hover. */
function originCells(origin) {
  if (!origin?.event_time) return [h('span', { title: origin?.notes.join('; ') }, '–'), '–'];
  const rest = [`received ${origin.received_at}`, `offset ${origin.offset}`, ...origin.notes].join('; ');
  return [time(origin.event_time), h('span', { title: rest }, origin.source)];
}

/** Names and values side by side. */
export function facts(pairs, kind = '') {
  return h('dl', { class: `facts ${kind}`.trim() }, pairs.filter(Boolean).map(([name, value]) => h('div', {},
    h('dt', {}, name), h('dd', {}, value))));
}
