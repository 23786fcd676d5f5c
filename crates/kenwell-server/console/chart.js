// The last hour, day or week as lines, drawn in SVG, with the same numbers as a table.
import { button } from './controls.js';
import { fill, h, s, say } from './dom.js';
import { count, short } from './numbers.js';
import { clock, moment, weekday } from './time.js';
import { row, table } from './table.js';

const HEIGHT = 220;
const POINT_PIXELS = 3;
const EDGE = { left: 44, right: 12, top: 12, bottom: 26 };
const TICKS = 4;

/** How far back is looked: how many seconds, and what stands in a row of the table. */
export const RANGES = {
  hour: { title: 'Hour', seconds: 3_600, rows: 'five minutes a row', binOf: (at) => floor(at, 300), mark: clock, last: 13 },
  day: { title: 'Day', seconds: 86_400, rows: 'an hour a row', binOf: (at) => floor(at, 3_600), mark: clock, last: 25 },
  week: { title: 'Week', seconds: 604_800, rows: 'a day a row', binOf: (at) => new Date(at).setHours(0, 0, 0, 0), mark: weekday, last: 8 },
};

/** What is drawn; each line has a pattern too, so that colour is not all that tells them apart. */
const SERIES = [
  { name: 'accepted', title: 'Accepted' },
  { name: 'written', title: 'Written' },
  { name: 'ignored', title: 'Ignored' },
  { name: 'dead_lettered', title: 'Dead-lettered' },
  { name: 'lost', title: 'Lost' },
];

const floor = (at, seconds) => Math.floor(at / (seconds * 1000)) * seconds * 1000;

/**
 * A chart of events a second, until `signal` is aborted. `update(history, range)` draws `{ step_seconds, samples }`;
 * `choose(range)` is called when somebody asks for another range.
 */
export function chart(choose, signal) {
  const picture = s('svg', { class: 'chart', role: 'img', height: HEIGHT });
  const reading = h('p', { class: 'reading' }, '\u00a0');
  const legend = h('ul', { class: 'legend' }, SERIES.map((series) => h('li', {},
    s('svg', { viewBox: '0 0 24 8', width: 24, height: 8, 'aria-hidden': 'true' },
      s('line', { x1: 0, x2: 24, y1: 4, y2: 4, class: `line ${series.name}` })), series.title)));
  const caption = h('figcaption');
  const choices = Object.entries(RANGES).map(([range, { title }]) => [range, button(title, () => choose(range), { kind: 'small' })]);
  const numbers = h('div');
  const element = h('figure', { class: 'figure' },
    h('div', { class: 'chart-head' }, caption, h('div', { class: 'actions', role: 'group', 'aria-label': 'How far back' }, choices.map(([, one]) => one))),
    legend, picture, reading, h('details', { class: 'quiet' }, h('summary', {}, 'The same as a table'), numbers));
  let drawn = null;
  let shown = null;
  const redraw = () => { if (shown) drawn = draw(picture, ...shown); };
  const sizes = new ResizeObserver(redraw);
  sizes.observe(picture);
  signal.addEventListener('abort', () => sizes.disconnect(), { once: true });
  picture.addEventListener('pointermove', (event) => say(reading, drawn ? readAt(drawn, picture, event) : '\u00a0'));
  picture.addEventListener('pointerleave', () => say(reading, '\u00a0'));
  return { element, update: (history, range) => {
    shown = [history, range];
    redraw();
    say(caption, `Events a second, last ${range}`);
    for (const [name, one] of choices) one.setAttribute('aria-pressed', String(name === range));
    picture.setAttribute('aria-label', description(history, range));
    fill(numbers, numberTable(history, range));
  } };
}

/** Where a range that ends with the newest whole step stands on a picture so wide. */
function scales(width, step, range, samples) {
  const end = samples.length ? Date.parse(samples.at(-1).at) : Date.now();
  const begin = end - RANGES[range].seconds * 1000;
  const most = Math.max(0, ...samples.flatMap((sample) => SERIES.map((series) => sample[series.name] / step)));
  const top = niceTop(most);
  return {
    begin, end, top, step, width, mark: RANGES[range].mark,
    x: (at) => EDGE.left + ((at - begin) / (end - begin)) * (width - EDGE.left - EDGE.right),
    y: (value) => HEIGHT - EDGE.bottom - (value / top) * (HEIGHT - EDGE.top - EDGE.bottom),
  };
}

/** The next round number, so that the axis has readable marks; at least 1. */
function niceTop(most) {
  if (most <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 5, 10].map((step) => step * power).find((top) => top >= most);
}

/** Where there are more samples than pixels, those of the same few pixels become their mean. */
function thin(samples, step, most) {
  const size = Math.ceil(samples.length / Math.max(1, most));
  if (size <= 1) return samples;
  const groups = Map.groupBy(samples, (sample) => floor(Date.parse(sample.at), step * size));
  return [...groups.values()].map((group) => ({
    ...group.at(-1), ...Object.fromEntries(SERIES.map(({ name }) => [name, sum(group, name) / group.length])),
  }));
}

function draw(picture, history, range) {
  const width = picture.clientWidth || 720;
  const step = history.step_seconds;
  picture.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
  // The last one is not over yet: it would look like a fall.
  const whole = history.samples.slice(0, -1);
  const samples = thin(whole, step, (width - EDGE.left - EDGE.right) / POINT_PIXELS);
  const scale = scales(width, step, range, samples);
  const points = samples.map((sample) => ({ at: Date.parse(sample.at), sample })).filter(({ at }) => at >= scale.begin);
  const apart = 1_500 * step * Math.ceil(whole.length / Math.max(1, samples.length));
  fill(picture, ...grid(scale), ...pieces(points, apart).flatMap((piece) => lines(scale, piece)));
  return { scale, points };
}

/** Points without a gap between them: while the server did not run, nothing is known. */
function pieces(points, apart) {
  const found = [];
  for (const [place, point] of points.entries()) {
    if (place === 0 || point.at - points[place - 1].at > apart) found.push([]);
    found.at(-1).push(point);
  }
  return found;
}

/** The lines of one piece; a single point has none, and is a dot. */
function lines(scale, piece) {
  return SERIES.toReversed().map(({ name }) => {
    const places = piece.map(({ at, sample }) => [scale.x(at).toFixed(1), scale.y(sample[name] / scale.step).toFixed(1)]);
    if (places.length === 1) return s('circle', { class: `dot ${name}`, r: 3, cx: places[0][0], cy: places[0][1] });
    return s('polyline', { class: `line ${name}`, points: places.map((place) => place.join(',')).join(' ') });
  });
}

function grid(scale) {
  const parts = [];
  for (let tick = 0; tick <= TICKS; tick += 1) {
    const value = (scale.top / TICKS) * tick;
    const y = scale.y(value);
    parts.push(s('line', { class: 'grid', x1: EDGE.left, x2: scale.width - EDGE.right, y1: y, y2: y }));
    parts.push(s('text', { class: 'axis', x: EDGE.left - 8, y: y + 4, 'text-anchor': 'end' }, short(value)));
  }
  const marks = scale.width < 480 ? 2 : 4;
  for (let mark = 0; mark <= marks; mark += 1) {
    const at = scale.begin + (mark / marks) * (scale.end - scale.begin);
    const anchor = mark === 0 ? 'start' : mark === marks ? 'end' : 'middle';
    parts.push(s('text', { class: 'axis', x: scale.x(at), y: HEIGHT - 8, 'text-anchor': anchor }, scale.mark(new Date(at))));
  }
  return parts;
}

/** The sample under the pointer, in words. */
function readAt({ scale, points }, picture, event) {
  if (points.length === 0) return '\u00a0';
  const x = event.clientX - picture.getBoundingClientRect().left;
  const nearest = points.reduce((best, point) => (Math.abs(scale.x(point.at) - x) < Math.abs(scale.x(best.at) - x) ? point : best));
  const values = SERIES.map((series) => `${series.title.toLowerCase()} ${short(nearest.sample[series.name] / scale.step)}/s`);
  return `${moment(nearest.sample.at)}: ${values.join(', ')}, queued ${count(nearest.sample.queued)}`;
}

const sum = (samples, name) => samples.reduce((total, sample) => total + sample[name], 0);

function description({ samples }, range) {
  if (samples.length === 0) return `Nothing was measured in the last ${range} yet.`;
  const totals = SERIES.map((series) => `${count(sum(samples, series.name))} ${series.title.toLowerCase()}`);
  return `In the last ${range}: ${totals.join(', ')}; ${count(samples.at(-1).queued)} queued now.`;
}

/** The same numbers, newest first; the step that is not over yet is among them. */
function numberTable({ samples }, range) {
  const { rows, binOf, mark, last } = RANGES[range];
  const { element, body, columns } = table(`Events in the last ${range}, ${rows}`, [
    { title: 'From' }, ...SERIES.map((series) => ({ title: series.title, kind: 'number' })), { title: 'Queued at the end', kind: 'number' },
  ]);
  const bins = [...Map.groupBy(samples, (sample) => binOf(Date.parse(sample.at)))];
  body.append(...bins.sort(([left], [right]) => right - left).slice(0, last).map(([bin, all]) => row(columns, [
    mark(new Date(bin)), ...SERIES.map((series) => count(sum(all, series.name))), count(all.at(-1).queued),
  ])));
  return element;
}
