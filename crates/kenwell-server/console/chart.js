// The last hour as lines, drawn in SVG, with the same numbers as a table.
import { fill, h, s, say } from './dom.js';
import { count, short } from './numbers.js';
import { clock, moment } from './time.js';
import { row, table } from './table.js';

const HEIGHT = 220;
const POINT_PIXELS = 3;
const EDGE = { left: 44, right: 12, top: 12, bottom: 26 };
const TICKS = 4;
const TABLE_ROWS = 12;

/** What is drawn; each line has a pattern too, so that colour is not all that tells them apart. */
const SERIES = [
  { name: 'accepted', title: 'Accepted' },
  { name: 'written', title: 'Written' },
  { name: 'ignored', title: 'Ignored' },
  { name: 'dead_lettered', title: 'Dead-lettered' },
  { name: 'lost', title: 'Lost' },
];

/** A chart of events a second. `update(history)` draws `{ step_seconds, samples }`. */
export function chart() {
  const picture = s('svg', { class: 'chart', role: 'img', height: HEIGHT });
  const reading = h('p', { class: 'reading' }, '\u00a0');
  const legend = h('ul', { class: 'legend' }, SERIES.map((series) => h('li', {},
    s('svg', { viewBox: '0 0 24 8', width: 24, height: 8, 'aria-hidden': 'true' },
      s('line', { x1: 0, x2: 24, y1: 4, y2: 4, class: `line ${series.name}` })), series.title)));
  const numbers = table('Events in the last hour, five minutes a row', [
    { title: 'From' }, ...SERIES.map((series) => ({ title: series.title, kind: 'number' })),
    { title: 'Queued at the end', kind: 'number' },
  ]);
  const element = h('figure', { class: 'figure' },
    h('div', { class: 'chart-head' }, h('figcaption', {}, 'Events a second, last hour'), legend),
    picture, reading,
    h('details', { class: 'quiet' }, h('summary', {}, 'The same as a table'), numbers.element));
  let drawn = null;
  let shown = null;
  const redraw = () => { if (shown) drawn = draw(picture, shown); };
  new ResizeObserver(redraw).observe(picture);
  picture.addEventListener('pointermove', (event) => say(reading, drawn ? readAt(drawn, picture, event) : '\u00a0'));
  picture.addEventListener('pointerleave', () => say(reading, '\u00a0'));
  return { element, update: (history) => {
    shown = history;
    redraw();
    picture.setAttribute('aria-label', description(history));
    fill(numbers.body, ...tableRows(numbers.columns, history));
  } };
}

/** Where an hour that ends with the newest sample stands on a picture so wide. */
function scales(width, history, samples) {
  const step = history.step_seconds;
  const end = samples.length ? Date.parse(samples.at(-1).at) : Date.now();
  const begin = end - 3_600_000;
  const most = Math.max(0, ...samples.flatMap((sample) => SERIES.map((series) => sample[series.name] / step)));
  const top = niceTop(most);
  return {
    begin, end, top, step, width,
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

/** Where there are more samples than pixels, several become their mean. */
function thin(samples, most) {
  const size = Math.ceil(samples.length / Math.max(1, most));
  if (size <= 1) return samples;
  const groups = Array.from({ length: Math.ceil(samples.length / size) }, (_, place) => samples.slice(place * size, (place + 1) * size));
  return groups.map((group) => ({
    ...group.at(-1), ...Object.fromEntries(SERIES.map(({ name }) => [name, sum(group, name) / group.length])),
  }));
}

function draw(picture, history) {
  const width = picture.clientWidth || 720;
  picture.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
  const samples = thin(history.samples, (width - EDGE.left - EDGE.right) / POINT_PIXELS);
  const scale = scales(width, history, samples);
  const points = samples.map((sample) => ({ at: Date.parse(sample.at), sample })).filter(({ at }) => at >= scale.begin);
  fill(picture, ...grid(scale), ...dots(scale, points), ...SERIES.toReversed().map((series) => s('polyline', {
    class: `line ${series.name}`,
    points: points.map(({ at, sample }) =>
      `${scale.x(at).toFixed(1)},${scale.y(sample[series.name] / scale.step).toFixed(1)}`).join(' '),
  })));
  return { scale, points };
}

/** The first sample of all has no line to the next one yet. */
function dots(scale, points) {
  if (points.length !== 1) return [];
  const [{ at, sample }] = points;
  return SERIES.map(({ name }) => s('circle', { class: `dot ${name}`, r: 3, cx: scale.x(at), cy: scale.y(sample[name] / scale.step) }));
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
    parts.push(s('text', { class: 'axis', x: scale.x(at), y: HEIGHT - 8, 'text-anchor': anchor }, clock(new Date(at))));
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

function description(history) {
  if (history.samples.length === 0) return 'Nothing was measured in the last hour yet.';
  const totals = SERIES.map((series) => `${count(sum(history.samples, series.name))} ${series.title.toLowerCase()}`);
  return `In the last hour: ${totals.join(', ')}; ${count(history.samples.at(-1).queued)} queued now.`;
}

/** Five minutes a row, newest first. */
function tableRows(columns, history) {
  const size = 3_600_000 / TABLE_ROWS;
  const bins = new Map();
  for (const sample of history.samples) {
    const bin = Math.floor(Date.parse(sample.at) / size) * size;
    bins.set(bin, [...(bins.get(bin) ?? []), sample]);
  }
  return [...bins].sort(([left], [right]) => right - left).slice(0, TABLE_ROWS + 1).map(([bin, samples]) => row(columns, [
    clock(new Date(bin)), ...SERIES.map((series) => count(sum(samples, series.name))), count(samples.at(-1).queued),
  ]));
}
