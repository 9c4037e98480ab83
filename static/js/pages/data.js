/** Entry of the page Data: files are dropped, sent, and their import is followed. */

import { DropZone } from "../data/drop_zone.js";
import { SendError, Sender, post } from "../data/sender.js";

const root = document.getElementById("drop-zone");
const csrf = root.querySelector("[name=csrfmiddlewaretoken]").value;
const { begin, part, start, partBytes } = root.dataset;

const request = (asked) => post({ ...asked, csrf });
const sender = new Sender({ urls: { begin, part }, partBytes: Number(partBytes), request });

/** Asks for the import of what was sent, and shows its card, which htmx keeps up to date. */
async function startImport(tickets) {
  const { status, body, text } = await request({ url: start, body: new URLSearchParams(tickets.map((each) => ["ticket", each])) });
  if (status !== 200) throw new SendError(body?.error ?? "The import could not be started; try again.");
  const imports = document.getElementById("imports");
  imports.insertAdjacentHTML("afterbegin", text);
  window.htmx.process(imports);
}

new DropZone({ sender, onSent: startImport }).mount(root);
