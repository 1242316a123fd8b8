"""A chat window with the daemon inside.

``python examples/window.py NAME DIRECTORY DROP_SERVER``: two of them, with different directories,
can talk to each other. Contacts are exchanged by the clipboard. The last button opens the daemon's
page for people: in a window of its own if pywebview is installed, otherwise in the browser.
"""

import html
import multiprocessing
import sys
import tempfile
import time
import tkinter as tk
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from tkinter import ttk
from typing import Any

import qabel.embed
from qabel.core.people.views import IdentityView
from qabel.core.sending.compose import Draft
from qabel.core.service import CoreService


async def set_up(core: CoreService, name: str, drop_server: str) -> IdentityView:
    """Return the identity; the first time, create it."""
    if not core.people.identities():
        server = {"url": drop_server, "auth": "", "active": True}
        await core.synced.set("drop_servers", [server])
        await core.people.add_identity(name)
    return core.people.identities()[0]


def view(url: str) -> None:
    """Show a page in a window. It needs the main thread of a process, until it is closed."""
    import webview  # noqa: PLC0415 - it need not be installed

    webview.create_window("Qabel", url)
    webview.start()


def browse(url: str) -> None:
    """Show a page in the browser, by a file that only the user can read.

    The address lets a browser in, and other users can see the arguments of a process.
    """
    page = f'<meta charset="utf-8"><meta http-equiv="refresh" content="0; url={html.escape(url)}">'
    with tempfile.NamedTemporaryFile("w", suffix=".html", dir=Path.home()) as file:
        file.write(page)
        file.flush()
        webbrowser.open(Path(file.name).as_uri())
        time.sleep(60)


class Window:
    """The messages, a choice of contacts, and a line to type in."""

    def __init__(self, root: tk.Misc, daemon: qabel.embed.EmbeddedDaemon, me: IdentityView) -> None:
        self.root, self.daemon, self.me = root, daemon, me
        self.said = tk.Text(root, width=60, height=15)
        self.contact = ttk.Combobox(root, state="readonly")
        self.line = tk.Entry(root)
        self.line.bind("<Return>", lambda _: self.say())
        copy = tk.Button(root, text="Copy my contact", command=self.copy)
        paste = tk.Button(root, text="Add copied contact", command=self.paste)
        self.page = tk.Button(root, text="Open the page", command=self.open_page)
        for each in (self.said, self.contact, self.line, copy, paste, self.page):
            each.pack(fill="x", padx=4, pady=2)
        self.list_contacts()
        daemon.on_message(self.hear, since="0", deliver=lambda call: root.after(0, call))

    def list_contacts(self) -> None:
        """Show all contacts, and select the newest."""
        self.contacts = self.daemon.call(lambda core: core.people.contacts(self.me.id))
        self.contact["values"] = [each.alias for each in self.contacts]
        if self.contacts:
            self.contact.current(len(self.contacts) - 1)

    def copy(self) -> None:
        """Copy my contact to the clipboard."""
        self.root.clipboard_clear()
        text = self.daemon.call(lambda core: core.cards.contact_text(self.me.id))
        self.root.clipboard_append(text)

    def paste(self) -> None:
        """Add the contact in the clipboard."""
        text = self.root.clipboard_get().encode()
        self.daemon.call(lambda core: core.cards.import_contacts(self.me.id, text))
        self.list_contacts()

    def open_page(self) -> None:
        """Open the daemon's page for people, in a process that may take its time."""
        show = view if find_spec("webview") else browse
        processes = multiprocessing.get_context("spawn")
        processes.Process(target=show, args=(self.daemon.page_url(),), daemon=True).start()

    def say(self) -> None:
        """Send the line; the daemon keeps trying until it has arrived."""
        if self.contacts:
            to, text = self.contacts[self.contact.current()].id, self.line.get()
            draft = Draft("chat", {"msg": text})
            self.daemon.call(lambda core: core.outbox.send([to], self.me.id, draft))
            self.line.delete(0, "end")
            self.said.insert("end", f"{self.me.alias}: {text}\n")

    def hear(self, message: dict[str, Any]) -> None:
        """Show a message and its sender."""
        names = {each.id: each.alias for each in self.contacts}
        who = names.get(message["contact_id"], "Somebody")
        self.said.insert("end", f"{who}: {message['data'].get('msg')}\n")


def main(name: str, directory: str, drop_server: str) -> None:
    """Show the window until it is closed."""
    with qabel.embed.start(directory) as daemon:
        root = tk.Tk()
        root.title(f"{name} - Qabel")
        Window(root, daemon, daemon.call(lambda core: set_up(core, name, drop_server)))
        root.mainloop()


if __name__ == "__main__":
    main(*sys.argv[1:])
