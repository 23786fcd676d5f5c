// What writing older events once more does to newer values: by a destination's order of events.

const BY_TIME = 'Nothing newer is overwritten, whoever wrote it: the time of events decides.';

/** What delivering again does. */
export function ofReplay(order) {
  return order === 'event_time' ? BY_TIME
    : 'Events count in the order of their arrival: until it is through, readers see older values, and what anything but this Kenwell has written since is overwritten. Other fields end as they are now.';
}

/** What a retry of dead letters does. */
export function ofRetry(order) {
  return order === 'event_time' ? BY_TIME
    : 'Fields that newer events have set since through this Kenwell stay as they are; what anything else has written since is overwritten.';
}
