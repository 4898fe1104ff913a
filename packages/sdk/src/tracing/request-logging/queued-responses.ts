import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Responses that wait behind another one on their connection (HTTP/1.1 pipelining). If the connection ends before it is
 * their turn, they have no event that says so. However many wait, the connection has one listener.
 */
export class QueuedResponses {
  readonly #waiting = new WeakMap<Socket, Map<ServerResponse, () => void>>();

  /** Calls `gone` if the connection ends before the response has got hold of it. */
  watch(socket: Socket, response: ServerResponse, gone: () => void): void {
    const waiting = this.#waiting.get(socket) ?? this.#listen(socket);
    waiting.set(response, gone);
    response.once('close', () => waiting.delete(response));
  }

  #listen(socket: Socket): Map<ServerResponse, () => void> {
    const waiting = new Map<ServerResponse, () => void>();
    this.#waiting.set(socket, waiting);
    socket.once('close', () => {
      for (const [response, gone] of waiting) if (response.socket === null) gone();
      waiting.clear();
    });
    return waiting;
  }
}
