import { ListeningSocket } from "./listening_socket.js";

/**
 * The connection of the jobs page: hears of each change of a job.
 *
 * onReady() runs on each connection: what changed before it is not told again. onJob(job) gets each change.
 */
export class JobsSocket extends ListeningSocket {
  constructor({ onReady, onJob, ...more }) {
    super({ ...more, onMessage: (message) => (message.type === "ready" ? onReady() : message.type === "job" && onJob(message.job)) });
  }
}
