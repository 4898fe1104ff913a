import type { SentryClient, SentryNamespace } from '../../packages/sdk/src/handlers/sentry.ts';

type Event = { event_id: string };

/** A Sentry in memory, whose client answers each event a little later with the status, or never. */
export function stubSentry(status: number | undefined): SentryNamespace {
  const hooks = new Map<string, ((event: Event, answer?: unknown) => void)[]>();
  const emit = (hook: string, event: Event, answer?: unknown): void => {
    for (const callback of hooks.get(hook) ?? []) callback(event, answer);
  };
  let underWay = 0;
  const client: SentryClient = {
    on: (hook: string, callback) => void hooks.set(hook, [...(hooks.get(hook) ?? []), callback]),
    getOptions: () => ({}),
    flush: (timeoutMillis = 0) =>
      new Promise((resolve) => {
        if (underWay > 0 && status === undefined) setTimeout(() => resolve(false), timeoutMillis);
        else setImmediate(() => resolve(true));
      }),
  };
  const scope = {
    setLevel: () => undefined,
    addEventProcessor: () => undefined,
    getPropagationContext: () => ({ traceId: '0'.repeat(32) }),
    setPropagationContext: () => undefined,
  };
  return {
    getClient: () => client,
    withScope: (callback) => callback(scope),
    addBreadcrumb: () => undefined,
    captureEvent(given) {
      const event = given as Event;
      underWay++;
      emit('preprocessEvent', event);
      emit('beforeSendEvent', event);
      if (status !== undefined) setImmediate(() => emit('afterSendEvent', event, { statusCode: status }));
      return event.event_id;
    },
  };
}
