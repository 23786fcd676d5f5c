// What somebody has typed and not saved yet: leaving it asks first.
import { confirmed } from './dialog.js';

const watched = new Set();

/** Counts as unsaved while `isChanged()` says so, until `signal` is aborted. */
export function watchUnsaved(signal, isChanged) {
  watched.add(isChanged);
  signal.addEventListener('abort', () => watched.delete(isChanged), { once: true });
}

/** Whether something would be lost by leaving. */
export const hasUnsaved = () => [...watched].some((isChanged) => isChanged());

/** Gives up what was typed, because what it belongs to is gone, or the page is being left. */
export const forgetUnsaved = () => watched.clear();

/** Resolves to whether the page may be left: nothing is unsaved, or the person gives it up. Until it is left, it counts. */
export async function mayLeave() {
  return !hasUnsaved() || confirmed({
    title: 'Leave without saving?', action: 'Leave', text: 'What you have changed on this page is not saved yet.',
  });
}

// The browser asks in its own words when the tab is closed or loaded again.
window.addEventListener('beforeunload', (event) => {
  if (hasUnsaved()) event.preventDefault();
});
