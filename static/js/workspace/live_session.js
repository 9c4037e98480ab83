import { say } from "../net/protocol.js";
import { PageSocket } from "../net/socket.js";
import { PageSession } from "./page_session.js";

/** Live as the panels see it: one asset at a time, beside what every page with charts has. */
export class LiveSession extends PageSession {
  constructor({ store, socketUrl, root, onLoggedOut, Socket = PageSocket }) {
    super({ store, onLoggedOut });
    this.root = root;
    this.connect(Socket, { url: socketUrl, greet: say.liveHello, more: () => ({ root: this.root }) });
  }

  /** Shows another asset in the same charts; also after a reconnect. */
  show(root) {
    if (root === this.root) return;
    this.root = root;
    this.socket.send(say.show(root));
  }
}
