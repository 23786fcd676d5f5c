// How many dead letters are outstanding, beside the name of their page.
import { get, query } from './api.js';
import { say } from './dom.js';
import { count } from './numbers.js';
import { every } from './poll.js';

const SECONDS = 5;

/** Shows the number in `place` for the whole life of the console; nothing while there are none. */
export function watchLetters(place, signal) {
  every(SECONDS, signal, async () => {
    const { total } = await get(`/dead-letters${query({ limit: 1 })}`);
    say(place, total ? count(total) : '');
    place.hidden = total === 0;
  });
}
