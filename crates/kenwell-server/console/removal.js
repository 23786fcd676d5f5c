// Removing a destination: what waits for it is delivered first, or given up by a person who has seen how much it is.
import { path, query, remove } from './api.js';
import { acknowledge } from './configuration.js';
import { confirmed } from './dialog.js';
import { plural } from './numbers.js';

/** Removes a destination after a question, and asks again with the number when events wait. Resolves to whether it is gone. */
export async function removeDestination(one) {
  const agreed = await confirmed({
    title: `Remove ${one.name}?`, action: 'Remove',
    text: 'Its sources no longer send to it. What waits for it is delivered first. To stop it for a while, pause it instead.',
  });
  return agreed && removed(one, 0);
}

/** Gives up what waits for a destination that is not configured. Resolves to whether it is gone. */
export const forgetDestination = (status) => givenUp({ id: status.id, name: status.id }, status.queued,
  `To have them delivered, put a destination with the id ${status.id} back.`);

async function removed(one, events) {
  try {
    await remove(`/destinations${path(one.id)}${query({ forget: events || null })}`);
  } catch (error) {
    if (error.code !== 'events_waiting') throw error;
    return givenUp(one, error.events, 'To keep them, disable the destination instead: enabled again it goes on where it stood.');
  }
  await acknowledge();
  return true;
}

async function givenUp(one, events, instead) {
  const agreed = await confirmed({
    title: `Give up ${plural(events, 'event')}?`, action: `Give up ${plural(events, 'event')}`,
    text: [`${plural(events, 'event')} that Kenwell has accepted ${events === 1 ? 'waits' : 'wait'} for ${one.name}, and `
      + `will never be delivered.`, instead],
  });
  return agreed && removed(one, events);
}
