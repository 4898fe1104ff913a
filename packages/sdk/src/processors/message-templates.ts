import { factory } from '../pipeline/factory.ts';
import { renderMessage } from '../pipeline/message-template.ts';
import { forwardTo, type Stage, stage } from '../pipeline/stage.ts';

/**
 * Renders messages that are templates: `logger.info('user {username} logged in', { username })`. The body becomes the
 * text, and the template is kept as the attribute `logspan.message.template`, so that back ends can group by it.
 *
 * Stands behind `redact`, and so shows what redaction left, nothing else. A hole is filled by the attribute of its name, by
 * its path (`{user.name}`) if there is none; a hole without an attribute stays as it is, and a body in which no hole can
 * be filled stays whole. `{{` and `}}` stand for braces. A value shows as at most 1 024 characters, the text as at most 32 768;
 * a body of more than 8 192 is no template. Never throws; drops nothing. Costs a search for `{` where there is none.
 */
export function messageTemplates(): Stage {
  return stage('messageTemplates', 'render', (next) =>
    forwardTo(next, {
      onEmit(record, context) {
        try {
          renderMessage(record);
        } catch {
          // A getter that throws, put there by a processor: the template says enough.
        }
        next.onEmit(record, context);
      },
    }),
  );
}

factory(messageTemplates);
