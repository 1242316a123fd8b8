"""A chat window with the daemon inside.

``python examples/window.py NAME DIRECTORY DROP_SERVER``: two of them, with different directories,
can talk to each other. Contacts are exchanged by the clipboard.
"""

import sys
import tkinter as tk
from tkinter import ttk
from typing import Any

import qabel.embed
from qabel.core.service import CoreService


async def set_up(core: CoreService, name: str, drop_server: str) -> dict[str, Any]:
    """Return the identity; the first time, create it."""
    if not core.directory.identities():
        server = {"url": drop_server, "auth": "", "active": True}
        await core.synced.set("drop_servers", [server])
        await core.directory.add_identity(name)
    return core.directory.identities()[0]


class Window:
    """The messages, a choice of contacts, and a line to type in."""

    def __init__(self, root: tk.Misc, daemon: qabel.embed.EmbeddedDaemon, me: dict) -> None:
        self.root, self.daemon, self.me, self.ref = root, daemon, me, str(me["id"])
        self.said = tk.Text(root, width=60, height=15)
        self.contact = ttk.Combobox(root, state="readonly")
        self.line = tk.Entry(root)
        self.line.bind("<Return>", lambda _: self.say())
        copy = tk.Button(root, text="Copy my contact", command=self.copy)
        paste = tk.Button(root, text="Add copied contact", command=self.paste)
        for each in (self.said, self.contact, self.line, copy, paste):
            each.pack(fill="x", padx=4, pady=2)
        self.list_contacts()
        daemon.on_message(self.hear, since="0", deliver=lambda call: root.after(0, call))

    def list_contacts(self) -> None:
        """Show all contacts, and select the newest."""
        self.contacts = self.daemon.call(lambda core: core.directory.contacts(self.ref))
        self.contact["values"] = [each["alias"] for each in self.contacts]
        if self.contacts:
            self.contact.current(len(self.contacts) - 1)

    def copy(self) -> None:
        """Copy my contact to the clipboard."""
        self.root.clipboard_clear()
        text = self.daemon.call(lambda core: core.directory.contact_text(self.ref))
        self.root.clipboard_append(text)

    def paste(self) -> None:
        """Add the contact in the clipboard."""
        text = self.root.clipboard_get().encode()
        self.daemon.call(lambda core: core.directory.import_contacts(self.ref, text))
        self.list_contacts()

    def say(self) -> None:
        """Send the line; the daemon keeps trying until it has arrived."""
        if self.contacts:
            to, text = self.contacts[self.contact.current()]["id"], self.line.get()
            message = {"model_object": "chat", "data": {"msg": text}}
            self.daemon.call(lambda core: core.outbox.send([to], self.me["id"], message))
            self.line.delete(0, "end")
            self.said.insert("end", f"{self.me['alias']}: {text}\n")

    def hear(self, message: dict[str, Any]) -> None:
        """Show a message and its sender."""
        names = {each["id"]: each["alias"] for each in self.contacts}
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
