// Times in the reader's zone with the exact value on hover, and lengths of time in words.
import { h, say } from './dom.js';
import { every } from './poll.js';

const DAY_SECONDS = 30;

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const HOURS = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const WEEKDAY = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric' });
const DAY = new Intl.DateTimeFormat(undefined, {
  year: 'numeric', month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit',
});

const today = (date) => date.toDateString() === new Date().toDateString();

/** A moment as people read it: the clock today, with the day before that. */
export function moment(text) {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) return String(text);
  return (today(date) ? CLOCK : DAY).format(date);
}

/** Hours and minutes only, for the axis of a chart. */
export const clock = (date) => HOURS.format(date);

/** The day, for the axis of a chart of a week. */
export const weekday = (date) => WEEKDAY.format(date);

/** A `<time>` in the reader's zone whose title is the exact value. */
export function time(text) {
  return setTime(h('time'), text);
}

/** Gives a `<time>` another moment; null shows a dash. */
export function setTime(element, text, never = '–') {
  if (!text) {
    element.removeAttribute('datetime');
    element.removeAttribute('title');
    return say(element, never);
  }
  element.setAttribute('datetime', text);
  element.setAttribute('title', text);
  return say(element, moment(text));
}

/** Gives what was today its day as soon as it is yesterday, until `signal` is aborted. */
export function keepDays(signal) {
  let day = new Date();
  every(DAY_SECONDS, signal, () => {
    if (today(day)) return;
    day = new Date();
    for (const element of document.querySelectorAll('time[datetime]')) setTime(element, element.getAttribute('datetime'));
  });
}

/** A length of time in the largest units that still tell something: 0.4 s, 12 s, 3 min, 5 h, 2 d. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds < 10) return `${(Math.round(seconds * 10) / 10).toLocaleString()} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** Milliseconds with as many digits as matter; null means that nothing was measured. */
export function milliseconds(value) {
  if (value === null || value === undefined) return '–';
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return `${value.toLocaleString(undefined, { maximumFractionDigits: digits })} ms`;
}

/** The value of a `datetime-local` field for a moment, in the reader's zone. */
export function localInput(date) {
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}
