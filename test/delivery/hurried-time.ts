import { type ShipperTime, SYSTEM_SHIPPER_TIME } from '../../packages/sdk/src/delivery/shipper.ts';

/** Real time that runs faster, so that a wait of a second is one of 20 ms; chance is in the middle. */
export function hurriedTime(factor = 50): ShipperTime {
  return {
    now: () => performance.now() * factor,
    wall: () => Date.now(),
    random: () => 0.5,
    setTimeout: (callback, millis) => SYSTEM_SHIPPER_TIME.setTimeout(callback, millis / factor),
    sleepSync: (millis) => SYSTEM_SHIPPER_TIME.sleepSync(millis / factor),
    clearTimeout: SYSTEM_SHIPPER_TIME.clearTimeout,
  };
}
